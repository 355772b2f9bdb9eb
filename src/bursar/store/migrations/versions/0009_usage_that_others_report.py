"""Usage that others report: what was brought in, its records, and what each of them has come to.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
COUNTS = (
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("audio_input_tokens", "audio_output_tokens", "web_searches", "reasoning_tokens"),
)


def upgrade() -> None:
    """Add the tables; imports and records are append-only."""
    op.create_table(
        "imports",
        number("id"),
        *(text(name) for name in ("source", "name", "actor")),
        *(number(name) for name in ("at_us", "records", "added", "grown", "repeated")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_imports")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    create_records()
    create_heads()
    for table in ("imports", "usage_records"):
        guard(table, is_sqlite=op.get_bind().dialect.name == "sqlite")


def create_records() -> None:
    """One row for each version of what a source tells of a call."""
    op.create_table(
        "usage_records",
        *(number("id"), number("import_id"), text("source"), text("key"), number("version")),
        *(number("person_id", nullable=True), text("person"), number("at_us")),
        *(text(name) for name in ("catalog", "model", "variant")),
        *(number(name) for name in COUNTS),
        *(text("request_id", nullable=True), text("message_id", nullable=True), number("sidechain")),
        *(text("price_version"), number("cost_nanos", nullable=True), number("source_cost_nanos", nullable=True)),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_usage_records_import_id_imports")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_usage_records_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_records")),
        sa.UniqueConstraint("source", "key", "version", name=op.f("uq_usage_records_source_key_version")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def create_heads() -> None:
    """One row for each call that a source tells of."""
    op.create_table(
        "usage_heads",
        *(text("source"), text("key"), number("record_id")),
        *(text("request_id", nullable=True), text("message_id", nullable=True)),
        *(number("person_id", nullable=True), number("at_us"), text("state"), text("why")),
        *(number("charged_nanos"), number("charged_record", nullable=True), number("charges")),
        sa.CheckConstraint("charged_nanos >= 0", name=op.f("ck_usage_heads_charged")),
        sa.ForeignKeyConstraint(
            ["record_id"], ["usage_records.id"], name=op.f("fk_usage_heads_record_id_usage_records")
        ),
        sa.PrimaryKeyConstraint("source", "key", name=op.f("pk_usage_heads")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    for columns in (["request_id"], ["message_id"], ["state"], ["person_id", "at_us"]):
        op.create_index(op.f(f"ix_usage_heads_{'_'.join(columns)}"), "usage_heads", columns, unique=False)


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column of whole numbers."""
    return sa.Column(name, INT, nullable=nullable)


def text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    """A column of texts."""
    return sa.Column(name, sa.Text(), nullable=nullable)


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
