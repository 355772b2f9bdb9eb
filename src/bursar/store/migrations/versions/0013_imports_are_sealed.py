"""The chains vouch for what others reported, too: each import is a paper, with all that it brought.

Frozen: what a migration did is never edited. What is there already is noted, and sealed as it is when the journal is
next written to.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
INSERT = "INSERT INTO unsealed VALUES ('imports', CAST(NEW.id AS TEXT))"


def upgrade() -> None:
    """Add the table of outlines, append-only; have each new import noted as unsealed, and those that are there."""
    op.create_table(
        "outlines",
        sa.Column("import_id", INT, autoincrement=False, nullable=False),
        sa.Column("outline", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_outlines_import_id_imports")),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_outlines")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_usage_totals_import_id"), "usage_totals", ["import_id"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER outlines_no_{verb.lower()} BEFORE {verb} ON outlines "
                "BEGIN SELECT RAISE(ABORT, 'outlines is append-only'); END"
            )
        op.execute(f"CREATE TRIGGER imports_unsealed AFTER INSERT ON imports BEGIN {INSERT}; END")
    else:
        op.execute(
            "CREATE TRIGGER outlines_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON outlines "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            "CREATE FUNCTION imports_unsealed() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN {INSERT}; RETURN NULL; END $$"
        )
        op.execute(
            "CREATE TRIGGER imports_unsealed AFTER INSERT ON imports FOR EACH ROW EXECUTE FUNCTION imports_unsealed()"
        )
    op.execute("INSERT INTO unsealed SELECT 'imports', CAST(id AS TEXT) FROM imports")
