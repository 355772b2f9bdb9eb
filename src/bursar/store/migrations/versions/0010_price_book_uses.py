"""Which price book was in force when; until now each has been from when it was first kept.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the table, append-only, with the books that are kept in the order in which they came."""
    op.create_table(
        "price_book_uses",
        sa.Column("id", INT, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("from_us", INT, nullable=False),
        sa.ForeignKeyConstraint(
            ["version"], ["price_books.version"], name=op.f("fk_price_book_uses_version_price_books")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_price_book_uses")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.execute(
        "INSERT INTO price_book_uses (version, from_us) "
        "SELECT version, created_us FROM price_books ORDER BY created_us, version"
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER price_book_uses_no_{verb.lower()} BEFORE {verb} ON price_book_uses "
                "BEGIN SELECT RAISE(ABORT, 'price_book_uses is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER price_book_uses_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON price_book_uses "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
