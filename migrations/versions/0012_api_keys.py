"""Adds API keys, and how a transaction learns who is asking where only the database knows it.

Revision ID: 0012
Revises: 0011

A key is stored as a hash: whoever reads the table cannot use it. The check of a key runs with the
owner's rights, so the role of the programs needs none on api_keys but to make one.
"""

from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE TABLE api_keys (
            key_hash   text PRIMARY KEY,
            name       text NOT NULL,
            scopes     text NOT NULL DEFAULT '',
            user_id    uuid REFERENCES users (id) ON DELETE CASCADE,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            revoked_at timestamptz
        )
    """)
    op.execute("CREATE INDEX api_keys_user_idx ON api_keys (user_id)")
    # NP005 becomes a 401, NP006 a 403 with its message (common/db/sqlstate.c).
    op.execute("""
        CREATE FUNCTION request_identify(the_claims json, the_scope text) RETURNS json LANGUAGE plpgsql AS $$
        BEGIN
            IF the_claims IS NULL THEN
                RAISE EXCEPTION 'nobody was found' USING ERRCODE = 'NP005';
            END IF;
            IF the_scope IS NOT NULL AND the_scope <> ALL (string_to_array(coalesce(the_claims->>'scope', ''), ' ')) THEN
                RAISE EXCEPTION 'The scope "%" is not granted', the_scope USING ERRCODE = 'NP006';
            END IF;
            PERFORM set_config('request.jwt.claims', the_claims::text, true);
            RETURN the_claims;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION request_key_check(the_hash text, the_scope text) RETURNS json
        LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
            SELECT public.request_identify((
                SELECT json_build_object('sub', k.user_id, 'scope', k.scopes, 'key', k.name)
                FROM api_keys k LEFT JOIN users u ON u.id = k.user_id
                WHERE k.key_hash = the_hash AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
                  AND (k.user_id IS NULL OR u.deleted_at IS NULL)
            ), the_scope)
        $$
    """)


def downgrade():
    op.execute("DROP FUNCTION request_key_check(text, text)")
    op.execute("DROP FUNCTION request_identify(json, text)")
    op.execute("DROP TABLE api_keys")
