"""Sums over calls that providers report, to compare the books with.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXTS = ("model", "variant", "item", "person", "api_key", "project", "grouping")
COUNTS = (
    *("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "output_tokens"),
    *("audio_input_tokens", "audio_output_tokens", "web_searches"),
)


def upgrade() -> None:
    """Add the table, append-only."""
    op.create_table(
        "usage_totals",
        *(number("id"), number("import_id"), text("source"), text("key"), number("version"), text("catalog")),
        *(number("starts_us"), number("ends_us")),
        *(text(name) for name in TEXTS),
        number("requests", nullable=True),
        *(number(name) for name in COUNTS),
        number("cost_nanos", nullable=True),
        sa.CheckConstraint("starts_us < ends_us", name=op.f("ck_usage_totals_time")),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_usage_totals_import_id_imports")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_totals")),
        sa.UniqueConstraint("source", "key", "version", name=op.f("uq_usage_totals_source_key_version")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_usage_totals_starts_us"), "usage_totals", ["starts_us"], unique=False)
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER usage_totals_no_{verb.lower()} BEFORE {verb} ON usage_totals "
                "BEGIN SELECT RAISE(ABORT, 'usage_totals is append-only'); END"
            )
    else:
        op.execute(
            "CREATE TRIGGER usage_totals_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON usage_totals "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    """A column of whole numbers."""
    return sa.Column(name, INT, nullable=nullable)


def text(name: str) -> sa.Column[str]:
    """A column of texts."""
    return sa.Column(name, sa.Text(), nullable=False)
