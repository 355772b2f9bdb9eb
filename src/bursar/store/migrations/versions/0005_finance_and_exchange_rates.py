"""Keys of finance, which may read and bring in pay; dated rates of other currencies.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROLE = "role IN ('administrator', 'finance', 'person')"
OWNER = "role = 'administrator' OR person_id IS NOT NULL"


def upgrade() -> None:
    """Let a key have the role finance, and add the rates."""
    if op.get_bind().dialect.name == "sqlite":
        rebuild_keys()
    else:
        op.drop_constraint(op.f("ck_keys_role"), "keys", type_="check")
        op.create_check_constraint(op.f("ck_keys_role"), "keys", sa.text(ROLE))
    create_rates()


def rebuild_keys() -> None:
    """SQLite changes no check of a table that is there, so the table is written anew, under the same name.

    Limits and runs refer to keys: their references are checked when the transaction ends, and by then hold again.
    The temporary table comes first because writing into it is what makes the driver begin the transaction.
    """
    op.execute("CREATE TEMPORARY TABLE keys_before AS SELECT * FROM keys LIMIT 0")
    op.execute("INSERT INTO keys_before SELECT * FROM keys")
    op.execute("PRAGMA defer_foreign_keys = ON")
    op.drop_table("keys")
    op.create_table(
        "keys",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shown", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("limit_id", INT, nullable=True),
        sa.Column("limit_nanos", INT, nullable=True),
        sa.Column("expires_us", INT, nullable=True),
        sa.Column("revoked_us", INT, nullable=True),
        sa.Column("created_us", INT, nullable=False),
        sa.Column("parent_id", INT, nullable=True),
        sa.Column("models", sa.Text(), nullable=True),
        sa.CheckConstraint(OWNER, name=op.f("ck_keys_owner")),
        sa.CheckConstraint(ROLE, name=op.f("ck_keys_role")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_keys_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.execute("INSERT INTO keys SELECT * FROM keys_before")
    op.execute("DROP TABLE keys_before")
    op.create_index(op.f("ix_keys_person_id"), "keys", ["person_id"], unique=False)
    op.create_index("ix_keys_parent_id", "keys", ["parent_id"])


def create_rates() -> None:
    """What a unit of another currency was worth in nano-USD, from a day (YYYY-MM-DD) on. Append-only."""
    op.create_table(
        "exchange_rates",
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("unit_nanos", INT, nullable=False),
        sa.CheckConstraint("unit_nanos > 0", name=op.f("ck_exchange_rates_positive")),
        sa.PrimaryKeyConstraint("currency", "from_day", name=op.f("pk_exchange_rates")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER exchange_rates_no_{verb.lower()} BEFORE {verb} ON exchange_rates "
                "BEGIN SELECT RAISE(ABORT, 'exchange_rates is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER exchange_rates_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON exchange_rates "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
