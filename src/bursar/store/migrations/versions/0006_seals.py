"""Seals: the chains vouch for plans, price books, changes, documents and exchange rates, too.

Frozen: what a migration did is never edited. What is there already is noted, and sealed when the journal is next
written to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KEYS = {
    "plans": ("id",),
    "price_books": ("version",),
    "changes": ("id",),
    "documents": ("id",),
    "exchange_rates": ("currency", "from_day"),
}


def upgrade() -> None:
    """Add the tables and the triggers, and note what has no seal."""
    op.create_table(
        "seals",
        sa.Column("link_id", INT, autoincrement=False, nullable=False),
        sa.Column("n", INT, autoincrement=False, nullable=False),
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("link_id", "n", name=op.f("pk_seals")),
        sa.UniqueConstraint("paper", "key", name=op.f("uq_seals_paper_key")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "unsealed",
        sa.Column("paper", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("paper", "key", name=op.f("pk_unsealed")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    guard("seals", is_sqlite=is_sqlite)
    for table, columns in KEYS.items():
        note(table, columns, is_sqlite=is_sqlite)
        op.execute(f"INSERT INTO unsealed SELECT '{table}', {key(columns)} FROM {table}")  # noqa: S608


def key(columns: tuple[str, ...], prefix: str = "") -> str:
    """The key of a row as one text."""
    return " || ' ' || ".join(f"CAST({prefix}{column} AS TEXT)" for column in columns)


def note(table: str, columns: tuple[str, ...], *, is_sqlite: bool) -> None:
    """Have each new row noted as unsealed."""
    insert = f"INSERT INTO unsealed VALUES ('{table}', {key(columns, 'NEW.')})"  # noqa: S608
    if is_sqlite:
        op.execute(f"CREATE TRIGGER {table}_unsealed AFTER INSERT ON {table} BEGIN {insert}; END")
        return
    op.execute(
        f"CREATE FUNCTION {table}_unsealed() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN {insert}; RETURN NULL; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_unsealed AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {table}_unsealed()"
    )


def guard(table: str, *, is_sqlite: bool) -> None:
    """Refuse UPDATE and DELETE."""
    if is_sqlite:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
    else:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
