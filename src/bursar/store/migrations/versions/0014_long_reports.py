"""Reports of any length are taken whole; who else says that a call is theirs; what came of an import is found fast.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
FIRST = "fk_imports_first_id_imports"


def upgrade() -> None:
    """Add the tables, and to imports a column that is empty in those that are there."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    if is_sqlite:
        op.execute(f"ALTER TABLE imports ADD COLUMN first_id INTEGER CONSTRAINT {FIRST} REFERENCES imports (id)")
    else:
        op.add_column("imports", sa.Column("first_id", INT, sa.ForeignKey("imports.id", name=FIRST), nullable=True))
    op.create_index(op.f("ix_imports_first_id"), "imports", ["first_id"], unique=False)
    op.create_index(op.f("ix_usage_records_import_id"), "usage_records", ["import_id"], unique=False)
    create_claims(is_sqlite=is_sqlite)
    create_uploads()


def create_claims(*, is_sqlite: bool) -> None:
    """Append-only, as all that was reported."""
    op.create_table(
        "usage_claims",
        sa.Column("import_id", INT, autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_usage_claims_import_id_imports")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_usage_claims_person_id_people")),
        sa.PrimaryKeyConstraint("import_id", "source", "key", name=op.f("pk_usage_claims")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_usage_claims_source_key"), "usage_claims", ["source", "key"], unique=False)
    if is_sqlite:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER usage_claims_no_{verb.lower()} BEFORE {verb} ON usage_claims "
                "BEGIN SELECT RAISE(ABORT, 'usage_claims is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER usage_claims_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_claims "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def create_uploads() -> None:
    """What waits until it is whole: it is no part of the books, and goes."""
    op.create_table(
        "uploads",
        sa.Column("id", INT, nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("source", "name", "actor")),
        sa.Column("person_id", INT, nullable=True),
        sa.Column("opened_us", INT, nullable=False),
        sa.Column("parts", INT, nullable=True),
        sa.Column("import_id", INT, nullable=True),
        sa.Column("taken", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uploads")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "upload_parts",
        sa.Column("upload_id", INT, autoincrement=False, nullable=False),
        sa.Column("n", INT, autoincrement=False, nullable=False),
        sa.Column("records", sa.LargeBinary(), nullable=False),
        sa.Column("taken", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("upload_id", "n", name=op.f("pk_upload_parts")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
