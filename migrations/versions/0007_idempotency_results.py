"""idempotency_keys: what the statements of a POST returned, in place of its answer

Revision ID: 0007
Revises: 0006

The rows of a statement are known to the server in the round trip that does it, the answer made of them is not. A request that
marks its last statement keeps its rows, all others their answer as before; programs of before this revision go on with it.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade():
    op.execute("""
        ALTER TABLE idempotency_keys
            ADD COLUMN results jsonb,
            ALTER COLUMN response DROP NOT NULL,
            ADD CONSTRAINT idempotency_keys_one_check CHECK ((response IS NULL) <> (results IS NULL))
    """)


def downgrade():
    op.execute("DELETE FROM idempotency_keys WHERE response IS NULL")
    op.execute("""
        ALTER TABLE idempotency_keys
            DROP CONSTRAINT idempotency_keys_one_check,
            ALTER COLUMN response SET NOT NULL,
            DROP COLUMN results
    """)
