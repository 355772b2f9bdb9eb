"""The first schema: directory, journal, balances and open holds.

Frozen: what a migration did is never edited. A test asserts that the migrations add up to `store/schema.py`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
APPEND_ONLY = ("postings", "transfers", "calls", "links", "plans", "price_books")
SEQUENCES = ("posting_ids", "balance_ids", "link_ids")


def upgrade() -> None:
    """Create the tables, PostgreSQL's sequences, and the triggers that keep the journal append-only."""
    create_tables()
    if op.get_bind().dialect.name == "sqlite":
        guard_sqlite()
    else:
        for name in SEQUENCES:
            op.execute(sa.schema.CreateSequence(sa.Sequence(name)))
        guard_postgres()


def guard_sqlite() -> None:
    """Triggers that refuse UPDATE and DELETE."""
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )


def guard_postgres() -> None:
    """Triggers that refuse UPDATE, DELETE and TRUNCATE."""
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def create_tables() -> None:
    """The tables as they were at this revision."""
    op.create_table(
        "balances",
        sa.Column("id", INT, autoincrement=False, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("priority", INT, nullable=False),
        sa.Column("opens_us", INT, nullable=False),
        sa.Column("expires_us", INT, nullable=False),
        sa.Column("granted", INT, nullable=False),
        sa.Column("available", INT, nullable=False),
        sa.Column("held", INT, nullable=False),
        sa.Column("spent", INT, nullable=False),
        sa.Column("expired", INT, nullable=False),
        sa.Column("overrun", INT, nullable=False),
        sa.CheckConstraint("kind IN ('lot', 'limit')", name=op.f("ck_balances_kind")),
        sa.CheckConstraint(
            "available >= 0 AND held >= 0 AND spent >= 0 AND expired >= 0", name=op.f("ck_balances_not_negative")
        ),
        sa.CheckConstraint("granted + overrun = available + held + spent + expired", name=op.f("ck_balances_sums")),
        sa.CheckConstraint("granted >= 0 AND overrun >= 0", name=op.f("ck_balances_funded")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balances")),
        sa.UniqueConstraint("source", "label", name=op.f("uq_balances_source_label")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_balances_person_id"), "balances", ["person_id"], unique=False)
    op.create_table(
        "calls",
        sa.Column("posting_id", INT, autoincrement=False, nullable=False),
        sa.Column("hold_id", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("key_id", INT, nullable=False),
        sa.Column("wire", sa.Text(), nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("started_us", INT, nullable=False),
        sa.Column("ended_us", INT, nullable=False),
        sa.Column("input_tokens", INT, nullable=False),
        sa.Column("cache_read_tokens", INT, nullable=False),
        sa.Column("cache_write_5m_tokens", INT, nullable=False),
        sa.Column("cache_write_1h_tokens", INT, nullable=False),
        sa.Column("output_tokens", INT, nullable=False),
        sa.Column("audio_input_tokens", INT, nullable=False),
        sa.Column("audio_output_tokens", INT, nullable=False),
        sa.Column("web_searches", INT, nullable=False),
        sa.Column("reasoning_tokens", INT, nullable=False),
        sa.Column("price_version", sa.Text(), nullable=False),
        sa.Column("bound_nanos", INT, nullable=False),
        sa.Column("cost_nanos", INT, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("provider_request", sa.Text(), nullable=False),
        sa.CheckConstraint("cost_nanos >= 0", name=op.f("ck_calls_cost")),
        sa.PrimaryKeyConstraint("posting_id", name=op.f("pk_calls")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "holds",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("amount_nanos", INT, nullable=False),
        sa.Column("legs", sa.LargeBinary(), nullable=False),
        sa.Column("dispatched", INT, nullable=False),
        sa.Column("held_us", INT, nullable=False),
        sa.Column("chain", INT, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holds")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "links",
        sa.Column("id", INT, autoincrement=False, nullable=False),
        sa.Column("chain", INT, nullable=False),
        sa.Column("n", INT, nullable=False),
        sa.Column("postings", INT, nullable=False),
        sa.Column("recorded_us", INT, nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint("chain", "n", name=op.f("uq_links_chain_n")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "people",
        sa.Column("id", INT, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("created_us", INT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "plans",
        sa.Column("id", INT, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", INT, nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("created_us", INT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plans")),
        sa.UniqueConstraint("name", "version", name=op.f("uq_plans_name_version")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "postings",
        sa.Column("id", INT, autoincrement=False, nullable=False),
        sa.Column("link_id", INT, nullable=False),
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("effective_us", INT, nullable=False),
        sa.Column("amount_nanos", INT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_postings")),
        sa.UniqueConstraint("op", name=op.f("uq_postings_op")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(
        op.f("ix_postings_person_id_effective_us"), "postings", ["person_id", "effective_us"], unique=False
    )
    op.create_table(
        "price_books",
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_us", INT, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_price_books")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "refusals",
        sa.Column("op", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("at_us", INT, nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("op", name=op.f("pk_refusals")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "transfers",
        sa.Column("posting_id", INT, autoincrement=False, nullable=False),
        sa.Column("n", INT, autoincrement=False, nullable=False),
        sa.Column("debit", INT, nullable=False),
        sa.Column("credit", INT, nullable=False),
        sa.Column("amount_nanos", INT, nullable=False),
        sa.CheckConstraint("amount_nanos > 0", name=op.f("ck_transfers_positive")),
        sa.CheckConstraint("debit <> credit", name=op.f("ck_transfers_moves")),
        sa.PrimaryKeyConstraint("posting_id", "n", name=op.f("pk_transfers")),
        sqlite_strict=True,
        sqlite_with_rowid=False,
    )
    op.create_table(
        "grants",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("plan_id", INT, nullable=False),
        sa.Column("from_us", INT, nullable=False),
        sa.Column("created_us", INT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_grants_person_id_people")),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_grants_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_grants_person_id"), "grants", ["person_id"], unique=False)
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
        sa.CheckConstraint("role = 'administrator' OR person_id IS NOT NULL", name=op.f("ck_keys_owner")),
        sa.CheckConstraint("role IN ('administrator', 'person')", name=op.f("ck_keys_role")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_keys_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_keys_person_id"), "keys", ["person_id"], unique=False)
