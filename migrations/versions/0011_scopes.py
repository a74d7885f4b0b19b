"""Adds the scopes of users, which their access tokens grant.

Revision ID: 0011
Revises: 0010
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade():
    # Words with spaces between them, as in the claim "scope" (RFC 8693 4.2).
    op.execute("ALTER TABLE users ADD COLUMN scopes text NOT NULL DEFAULT ''"
               " CONSTRAINT users_scopes_fit_a_token CHECK (length(scopes) <= 1000)")


def downgrade():
    op.execute("ALTER TABLE users DROP COLUMN scopes")
