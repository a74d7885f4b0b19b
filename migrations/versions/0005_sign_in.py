"""Adds sign-in: passwords, refresh tokens, and quiz responses that only their user sees.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade():
    # Separate from users, so that a SELECT from users never returns a hash.
    op.execute("""
        CREATE TABLE credentials (
            user_id       uuid PRIMARY KEY REFERENCES users (id),
            password_hash text NOT NULL
        )
    """)
    op.execute("SELECT add_timestamps('credentials')")

    # All tokens of one sign-in are a family. A used token that is presented again was stolen, or
    # its successor was.
    op.execute("""
        CREATE TABLE refresh_tokens (
            token_hash text PRIMARY KEY,
            family     uuid NOT NULL,
            user_id    uuid NOT NULL REFERENCES users (id),
            expires_at timestamptz NOT NULL,
            used_at    timestamptz,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family)")

    # The programs set these claims in each transaction of a caller. FORCE applies the policies even
    # if the role of the programs owns the table.
    op.execute("""
        CREATE FUNCTION request_user() RETURNS uuid LANGUAGE sql STABLE AS $$
            SELECT (nullif(current_setting('request.jwt.claims', true), '')::json->>'sub')::uuid
        $$
    """)
    op.execute("ALTER TABLE quiz_responses ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE quiz_responses FORCE ROW LEVEL SECURITY")
    op.execute("CREATE POLICY own_rows ON quiz_responses USING (user_id = (SELECT request_user()))")
    # Onboarding has no caller yet.
    op.execute("CREATE POLICY new_rows ON quiz_responses FOR INSERT WITH CHECK (true)")


def downgrade():
    op.execute("DROP POLICY new_rows ON quiz_responses")
    op.execute("DROP POLICY own_rows ON quiz_responses")
    op.execute("ALTER TABLE quiz_responses NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE quiz_responses DISABLE ROW LEVEL SECURITY")
    op.execute("DROP FUNCTION request_user()")
    op.execute("DROP TABLE refresh_tokens")
    op.execute("DROP TABLE credentials")
