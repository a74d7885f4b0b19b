"""Adds the rows that the statements of a POST returned to idempotency_keys, as an alternative to
its response.

Revision ID: 0007
Revises: 0006

The server knows the rows of a statement in the round trip that runs it; the response that is made
from them is not known by then. A request that marks its last statement stores its rows, all others
store their response as before. Older programs continue to work with this revision.
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
