"""Counts sign-in attempts, so that guessing becomes slow and nobody is locked out.

Revision ID: 0010
Revises: 0009

An attempt is counted before the password is checked, in a transaction of its own. So none of many
simultaneous attempts escapes, and an attempt stays counted if the request fails. Accounts and
networks are stored as keyed hashes: an account that does not exist has a row like any other, and a
reader of the table learns neither addresses nor who signs in from where.
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade():
    # The network '' stands for all networks that are not known. known_until: the account signed in
    # from there.
    op.execute("""
        CREATE TABLE sign_in_attempts (
            account     text NOT NULL,
            network     text NOT NULL,
            failures    integer NOT NULL DEFAULT 0,
            last_at     timestamptz NOT NULL DEFAULT now(),
            known_until timestamptz,
            forget_at   timestamptz NOT NULL,
            CONSTRAINT sign_in_attempts_pkey PRIMARY KEY (account, network)
        )
    """)
    op.execute("CREATE INDEX sign_in_attempts_forget_at_idx ON sign_in_attempts (forget_at)")
    # From one network the sixth attempt has to wait for 1 s, each further one twice as long, up to
    # 15 minutes. From all unknown networks together the 101st has to wait for 1 s, up to a minute.
    # An attempt that has to wait is not counted, so a wait ends even if others try meanwhile.
    op.execute("""
        CREATE FUNCTION sign_in_wait(the_network text, the_failures integer) RETURNS interval LANGUAGE sql IMMUTABLE AS $$
            SELECT CASE WHEN the_network = '' AND the_failures >= 100
                        THEN least(2 ^ least(the_failures - 100, 16), 60) * interval '1 second'
                        WHEN the_network <> '' AND the_failures >= 5
                        THEN least(2 ^ least(the_failures - 5, 16), 900) * interval '1 second'
                        ELSE interval '0' END
        $$
    """)
    # Counts an attempt and returns 0, or returns how many seconds the attempt has to wait.
    op.execute("""
        CREATE FUNCTION sign_in_attempt(the_account text, the_network text) RETURNS integer LANGUAGE plpgsql AS $$
        DECLARE
            moment timestamptz;
            networks text[];
            wait_s integer;
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(the_account, 1853189229));
            moment := clock_timestamp();
            networks := CASE WHEN EXISTS (SELECT FROM sign_in_attempts WHERE account = the_account AND network = the_network
                                              AND known_until > moment)
                             THEN ARRAY[the_network] ELSE ARRAY[the_network, ''] END;
            SELECT ceil(extract(epoch FROM max(last_at + sign_in_wait(network, failures)) - moment)) INTO wait_s
            FROM sign_in_attempts WHERE account = the_account AND network = ANY (networks) AND last_at > moment - interval '1 day';
            IF wait_s > 0 THEN
                RETURN wait_s;
            END IF;
            INSERT INTO sign_in_attempts AS a (account, network, failures, last_at, forget_at)
            SELECT the_account, network, 1, moment, moment + interval '1 day' FROM unnest(networks) AS network
            ON CONFLICT (account, network) DO UPDATE
                SET failures = CASE WHEN a.last_at > moment - interval '1 day' THEN a.failures ELSE 0 END + 1,
                    last_at = moment, forget_at = greatest(a.known_until, excluded.forget_at);
            -- Last, since this transaction waits for nothing afterwards: two that delete each other's rows would deadlock.
            DELETE FROM sign_in_attempts a USING (
                SELECT account, network FROM sign_in_attempts WHERE forget_at < moment
                ORDER BY forget_at LIMIT 5 FOR UPDATE SKIP LOCKED) old
            WHERE a.account = old.account AND a.network = old.network;
            RETURN 0;
        END
        $$
    """)
    # The attempt succeeded: it is not counted, and for 90 days attempts from elsewhere do not make
    # this network wait.
    op.execute("""
        CREATE FUNCTION sign_in_success(the_account text, the_network text) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock(hashtextextended(the_account, 1853189229));
            UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0)
            WHERE account = the_account AND network = '' AND NOT EXISTS (
                SELECT FROM sign_in_attempts WHERE account = the_account AND network = the_network AND known_until > clock_timestamp());
            UPDATE sign_in_attempts SET failures = 0, known_until = now() + interval '90 days', forget_at = now() + interval '90 days'
            WHERE account = the_account AND network = the_network;
        END
        $$
    """)


def downgrade():
    op.execute("DROP FUNCTION sign_in_success(text, text), sign_in_attempt(text, text), sign_in_wait(text, integer)")
    op.execute("DROP TABLE sign_in_attempts")
