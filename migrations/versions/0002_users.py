"""Creates users, and the functions that add timestamps and soft delete to a table.

Revision ID: 0002
Revises: 0001

They are SQL functions and not Python helpers, so that a revision always does what it did when it
was written: a later change of a helper would change the past. Rights on tables come from the
owner's default privileges, so no revision names the role of the programs. Only the owner needs
EXECUTE on these functions: they run with the rights of the caller, who must own the table, and a
trigger needs no EXECUTE right to fire.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade():
    # updated_at increases with every update, so it can serve as a version. That includes a second
    # update in one transaction, where now() does not change, and updates after the clock was set
    # back. created_at never changes, so that a row keeps its place in the pages.
    op.execute("""
        CREATE FUNCTION set_updated_at() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.created_at := OLD.created_at;
            NEW.updated_at := greatest(clock_timestamp(), OLD.updated_at + interval '1 microsecond');
            RETURN NEW;
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION add_timestamps(target regclass) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('ALTER TABLE %s ADD COLUMN created_at timestamptz NOT NULL DEFAULT now(), '
                           'ADD COLUMN updated_at timestamptz NOT NULL DEFAULT now()', target);
            EXECUTE format('CREATE TRIGGER set_updated_at BEFORE UPDATE ON %s '
                           'FOR EACH ROW EXECUTE FUNCTION set_updated_at()', target);
        END
        $$
    """)
    op.execute("""
        CREATE FUNCTION add_soft_delete(target regclass) RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            EXECUTE format('ALTER TABLE %s ADD COLUMN deleted_at timestamptz', target);
        END
        $$
    """)
    op.execute("""
        REVOKE ALL ON FUNCTION set_updated_at(), add_timestamps(regclass), add_soft_delete(regclass) FROM PUBLIC
    """)

    # 254 is the longest address that SMTP can carry, 3 is a@b.
    op.execute("""
        CREATE TABLE users (
            id    uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            email text NOT NULL CONSTRAINT users_email_length CHECK (char_length(email) BETWEEN 3 AND 254),
            name  text NOT NULL CONSTRAINT users_name_length CHECK (char_length(name) BETWEEN 1 AND 200)
        )
    """)
    op.execute("SELECT add_timestamps('users')")
    op.execute("SELECT add_soft_delete('users')")

    # The address of a deleted user is free again; A@b.c and a@b.c are the same address.
    op.execute("CREATE UNIQUE INDEX users_email_key ON users (lower(email)) WHERE deleted_at IS NULL")
    op.execute("CREATE INDEX users_page_idx ON users (created_at, id) WHERE deleted_at IS NULL")


def downgrade():
    op.execute("DROP TABLE users")
    op.execute("DROP FUNCTION add_soft_delete(regclass), add_timestamps(regclass), set_updated_at()")
