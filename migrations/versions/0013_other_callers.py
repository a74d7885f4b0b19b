"""Lets a caller be who is no user of ours: request_user() is NULL for a subject that is no UUID.

Revision ID: 0013
Revises: 0012

Another issuer of access tokens (JWT_JWKS) names its users as it likes, such as auth0|5f7c8e. The
policies of row-level security then find no row, where the cast of before failed.
"""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE OR REPLACE FUNCTION request_user() RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT CASE WHEN sub ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN sub::uuid END
            FROM (SELECT nullif(current_setting('request.jwt.claims', true), '')::json->>'sub' AS sub) AS claims
        $$
    """)


def downgrade():
    op.execute("""
        CREATE OR REPLACE FUNCTION request_user() RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT (nullif(current_setting('request.jwt.claims', true), '')::json->>'sub')::uuid
        $$
    """)
