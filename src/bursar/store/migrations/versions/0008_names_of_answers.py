"""A call keeps the provider's name for its answer, beside that for its request.

Frozen: what a migration did is never edited. Older calls have none, and their links' hashes do not change: an empty
one is no part of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column."""
    op.add_column("calls", sa.Column("provider_message", sa.Text(), nullable=False, server_default=sa.text("''")))
