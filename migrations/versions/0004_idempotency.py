"""Creates idempotency_keys, the responses to POSTs with an Idempotency-Key, and the function that
guards a key.

Revision ID: 0004
Revises: 0003

The guard is sent before the first statement of the request and raises an error of its own if the
request must not run, so nothing after it in the flight runs either. The response is inserted
together with the commit.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        CREATE TABLE idempotency_keys (
            caller      text NOT NULL,
            key         text NOT NULL,
            fingerprint text NOT NULL,
            response    text NOT NULL,
            created_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT idempotency_keys_pkey PRIMARY KEY (caller, key)
        )
    """)
    op.execute("CREATE INDEX idempotency_keys_created_at_idx ON idempotency_keys (created_at)")
    # The lock ends with the transaction, also behind a pooler and if its connection is lost. NP001:
    # another request with the key is running. NP002: this request is done. NP003: another request
    # with the key is done.
    op.execute("""
        CREATE FUNCTION idempotency_claim(the_caller text, the_key text, the_fingerprint text) RETURNS void
        LANGUAGE plpgsql AS $$
        DECLARE
            oldest constant timestamptz := now() - interval '24 hours';
            known text;
        BEGIN
            IF NOT pg_try_advisory_xact_lock(hashtextextended(the_caller || chr(31) || the_key, 1853189228)) THEN
                RAISE EXCEPTION 'a request with this key is being worked on' USING ERRCODE = 'NP001';
            END IF;
            DELETE FROM idempotency_keys k USING (
                SELECT caller, key FROM idempotency_keys WHERE created_at < oldest
                ORDER BY created_at LIMIT 10 FOR UPDATE SKIP LOCKED) old
            WHERE k.caller = old.caller AND k.key = old.key;
            DELETE FROM idempotency_keys WHERE caller = the_caller AND key = the_key AND created_at < oldest;
            SELECT fingerprint INTO known FROM idempotency_keys WHERE caller = the_caller AND key = the_key;
            IF FOUND AND known = the_fingerprint THEN
                RAISE EXCEPTION 'this request was answered before' USING ERRCODE = 'NP002';
            ELSIF FOUND THEN
                RAISE EXCEPTION 'this key was used for another request' USING ERRCODE = 'NP003';
            END IF;
        END
        $$
    """)


def downgrade():
    op.execute("DROP FUNCTION idempotency_claim(text, text, text)")
    op.execute("DROP TABLE idempotency_keys")
