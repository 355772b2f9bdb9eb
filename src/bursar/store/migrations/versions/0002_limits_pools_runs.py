"""Limits of a day or a week, team pools, agent runs, and keys that are a part of another key's budget.

Frozen: what a migration did is never edited.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INT = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the tables and columns."""
    op.add_column("keys", sa.Column("parent_id", INT, nullable=True))
    op.add_column("keys", sa.Column("models", sa.Text(), nullable=True))
    op.create_index("ix_keys_parent_id", "keys", ["parent_id"])
    create_limits()
    create_pools()
    create_runs()


def create_limits() -> None:
    """What the operator allows at most, beside what a key carries itself."""
    op.create_table(
        "limits",
        sa.Column("id", INT, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=True),
        sa.Column("key_id", INT, nullable=True),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("models", sa.Text(), nullable=False),
        sa.Column("per", sa.Text(), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("amount_nanos", INT, nullable=False),
        sa.Column("soft_nanos", INT, nullable=True),
        sa.Column("created_us", INT, nullable=False),
        sa.Column("ended_us", INT, nullable=True),
        sa.CheckConstraint("scope IN ('everybody', 'team', 'person', 'key')", name=op.f("ck_limits_scope")),
        sa.CheckConstraint("per IN ('life', 'day', 'week', 'month')", name=op.f("ck_limits_per")),
        sa.CheckConstraint("amount_nanos > 0", name=op.f("ck_limits_amount")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_limits_person_id_people")),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_limits_key_id_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_limits")),
        sqlite_strict=True,
    )


def create_pools() -> None:
    """Plans that give credit to a team instead of a person."""
    op.create_table(
        "pools",
        sa.Column("id", INT, nullable=False),
        sa.Column("team", sa.Text(), nullable=False),
        sa.Column("plan_id", INT, nullable=False),
        sa.Column("from_us", INT, nullable=False),
        sa.Column("created_us", INT, nullable=False),
        sa.ForeignKeyConstraint(["plan_id"], ["plans.id"], name=op.f("fk_pools_plan_id_plans")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pools")),
        sqlite_strict=True,
    )
    op.create_index("ix_pools_team", "pools", ["team"])


def create_runs() -> None:
    """Agent runs: a key with a budget of its own, started by a person or within another run."""
    op.create_table(
        "runs",
        sa.Column("id", INT, nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("person_id", INT, nullable=False),
        sa.Column("key_id", INT, nullable=False),
        sa.Column("parent_id", INT, nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("budget_nanos", INT, nullable=False),
        sa.Column("started_us", INT, nullable=False),
        sa.Column("until_us", INT, nullable=True),
        sa.Column("ended_us", INT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("exit_code", INT, nullable=True),
        sa.CheckConstraint("outcome IN ('running', 'ended', 'killed')", name=op.f("ck_runs_outcome")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_runs_person_id_people")),
        sa.ForeignKeyConstraint(["key_id"], ["keys.id"], name=op.f("fk_runs_key_id_keys")),
        sa.ForeignKeyConstraint(["parent_id"], ["runs.id"], name=op.f("fk_runs_parent_id_runs")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("token", name=op.f("uq_runs_token")),
        sqlite_strict=True,
    )
    op.create_index("ix_runs_person_id", "runs", ["person_id"])
    op.create_index("ix_runs_parent_id", "runs", ["parent_id"])
