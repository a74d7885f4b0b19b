"""Adds sessions that end: an access token names its family of refresh tokens, which each of its
transactions checks.

Revision ID: 0009
Revises: 0008

A session is live while one of its refresh tokens has not expired, none of them is revoked, and its
user exists. A token of a revoked family that is not revoked itself was created while the family
ended, and is not valid either.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade():
    # Each part of the check reads one index entry, however often the session was refreshed.
    op.execute("CREATE INDEX refresh_tokens_live_idx ON refresh_tokens (family, expires_at)")
    op.execute("CREATE INDEX refresh_tokens_ended_idx ON refresh_tokens (family) WHERE revoked_at IS NOT NULL")
    op.execute("CREATE INDEX refresh_tokens_user_idx ON refresh_tokens (user_id) WHERE revoked_at IS NULL")
    op.execute("DROP INDEX refresh_tokens_family_idx")
    # Sent after the claims in the flight of a caller's transaction. It runs with the owner's
    # rights, because the role of the programs need not be able to read these tables, and a policy
    # on them must not decide who is signed in. NP004 becomes a 401 (common/db/sqlstate.c).
    op.execute("""
        CREATE FUNCTION request_session_check(the_user uuid, the_session uuid) RETURNS void
        LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
        BEGIN
            IF NOT EXISTS (SELECT FROM users WHERE id = the_user AND deleted_at IS NULL)
                OR NOT EXISTS (SELECT FROM refresh_tokens
                               WHERE family = the_session AND user_id = the_user AND expires_at > now())
                OR EXISTS (SELECT FROM refresh_tokens WHERE family = the_session AND revoked_at IS NOT NULL)
            THEN
                RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'NP004';
            END IF;
        END
        $$
    """)


def downgrade():
    op.execute("DROP FUNCTION request_session_check(uuid, uuid)")
    op.execute("CREATE INDEX refresh_tokens_family_idx ON refresh_tokens (family)")
    op.execute("DROP INDEX refresh_tokens_live_idx, refresh_tokens_ended_idx, refresh_tokens_user_idx")
