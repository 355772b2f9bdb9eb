"""What was reported too late to be charged to credit has an account; keys may be for personal use.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MONEY = (
    *("granted", "available", "held", "spent", "expired", "overrun"),
    *("unearned", "revoked", "carried_out", "cashed_out", "carried_in", "adjusted"),
)
CHECKS = {
    "not_negative": "available >= 0 AND held >= 0 AND spent >= 0 AND expired >= 0",
    "changed": "unearned >= 0 AND revoked >= 0 AND carried_out >= 0 AND cashed_out >= 0",
    "funded": "granted >= 0 AND overrun >= 0 AND carried_in >= 0 AND adjusted >= 0",
    "sums": "granted + carried_in + overrun + adjusted"
    " = available + unearned + held + spent + expired + revoked + carried_out + cashed_out",
}
REPLACED = ("funded", "sums")


def upgrade() -> None:
    """Add the columns, all 0, and let the checks speak of the new account."""
    op.add_column("keys", sa.Column("personal", INT, nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "sqlite":
        rebuild()
    else:
        alter()


def alter() -> None:
    """PostgreSQL alters the table."""
    op.add_column("balances", sa.Column("adjusted", INT, nullable=False, server_default="0"))
    op.alter_column("balances", "adjusted", server_default=None)
    for name in REPLACED:
        op.drop_constraint(op.f(f"ck_balances_{name}"), "balances", type_="check")
        op.create_check_constraint(op.f(f"ck_balances_{name}"), "balances", sa.text(CHECKS[name]))


def rebuild() -> None:
    """SQLite changes no check of a table that is there, so the table is written anew."""
    op.drop_index(op.f("ix_balances_person_id"), "balances")
    op.rename_table("balances", "balances_before")
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
        *(sa.Column(name, INT, nullable=False) for name in MONEY),
        sa.CheckConstraint("kind IN ('lot', 'limit')", name=op.f("ck_balances_kind")),
        *(sa.CheckConstraint(check, name=op.f(f"ck_balances_{name}")) for name, check in CHECKS.items()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_balances")),
        sa.UniqueConstraint("source", "label", name=op.f("uq_balances_source_label")),
        sqlite_strict=True,
        sqlite_with_rowid=True,
    )
    op.execute("INSERT INTO balances SELECT *, 0 FROM balances_before")
    op.drop_table("balances_before")
    op.create_index(op.f("ix_balances_person_id"), "balances", ["person_id"], unique=False)
