"""The chains vouch for which price book was in force when, too: its rows are papers.

Frozen: what a migration did is never edited. What is there already is noted, and sealed when the journal is next
written to.
"""

from alembic import op

revision = "0012"
down_revision = "0011"

TABLE = "price_book_uses"
INSERT = f"INSERT INTO unsealed VALUES ('{TABLE}', CAST(NEW.id AS TEXT))"  # noqa: S608


def upgrade() -> None:
    """Have each new row noted as unsealed, and those that are there."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute(f"CREATE TRIGGER {TABLE}_unsealed AFTER INSERT ON {TABLE} BEGIN {INSERT}; END")
    else:
        op.execute(
            f"CREATE FUNCTION {TABLE}_unsealed() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {INSERT}; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {TABLE}_unsealed AFTER INSERT ON {TABLE} "
            f"FOR EACH ROW EXECUTE FUNCTION {TABLE}_unsealed()"
        )
    op.execute(f"INSERT INTO unsealed SELECT '{TABLE}', CAST(id AS TEXT) FROM {TABLE}")  # noqa: S608
