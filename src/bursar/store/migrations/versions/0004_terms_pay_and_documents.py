"""Changes of terms and requests for them, employment and pay, statements that were given out.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and columns."""
    op.add_column("people", sa.Column("starts", sa.Text(), nullable=True))
    op.add_column("people", sa.Column("ends", sa.Text(), nullable=True))
    create_employment()
    create_changes()
    create_documents()
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            for table in ("changes", "documents"):
                op.execute(
                    f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table} "
                    f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
                )
    else:
        for table in ("changes", "documents"):
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )


def create_employment() -> None:
    """When somebody is away, and what somebody is paid, by day (YYYY-MM-DD)."""
    op.create_table(
        "absences",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("to_day", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_absences_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
        sa.UniqueConstraint("person_id", "from_day", name=op.f("uq_absences_person_id_from_day")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_table(
        "pay",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("from_day", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("base_nanos", INT, nullable=False),
        sa.Column("bonus_nanos", INT, nullable=False),
        sa.Column("equity_nanos", INT, nullable=False),
        sa.CheckConstraint(
            "base_nanos >= 0 AND bonus_nanos >= 0 AND equity_nanos >= 0", name=op.f("ck_pay_not_negative")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_pay_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay")),
        sa.UniqueConstraint("person_id", "from_day", name=op.f("uq_pay_person_id_from_day")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )


def create_changes() -> None:
    """What was changed of somebody's terms: who said so, when it was announced, from when it holds, and why."""
    op.create_table(
        "changes",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("grant_id", INT, nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("amount_nanos", INT, nullable=True),
        sa.Column("announced_us", INT, nullable=False),
        sa.Column("effective_us", INT, nullable=False),
        sa.Column("until_us", INT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("approver", sa.Text(), nullable=False),
        sa.Column("told", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_changes_person_id_people")),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_changes_grant_id_grants")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_changes_person_id"), "changes", ["person_id"], unique=False)
    op.create_table(
        "requests",
        sa.Column("id", INT, nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("amount_nanos", INT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("asked_us", INT, nullable=False),
        sa.Column("decided_us", INT, nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("change_id", INT, nullable=True),
        sa.CheckConstraint("state IN ('open', 'approved', 'denied')", name=op.f("ck_requests_state")),
        sa.CheckConstraint("amount_nanos > 0", name=op.f("ck_requests_amount")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_requests_person_id_people")),
        sa.ForeignKeyConstraint(["change_id"], ["changes.id"], name=op.f("fk_requests_change_id_changes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.create_index(op.f("ix_requests_person_id"), "requests", ["person_id"], unique=False)


def create_documents() -> None:
    """Statements that were given out, as they were signed. `replaces` names the one that a later one corrects."""
    op.create_table(
        "documents",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("n", INT, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("signed", sa.Text(), nullable=False),
        sa.Column("replaces", sa.Text(), nullable=True),
        sa.Column("made_us", INT, nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_documents_person_id_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("person_id", "period", "n", name=op.f("uq_documents_person_id_period_n")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
