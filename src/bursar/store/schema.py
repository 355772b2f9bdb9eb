"""The tables, for SQLite and PostgreSQL alike.

Three kinds. The *journal* (postings, transfers, calls, links, seals) and the *papers* (plans, price books, changes,
documents, exchange rates, imports) are append-only: triggers refuse UPDATE and DELETE, and the links vouch for them.
*Balances and open holds* are what the journal adds up to, kept so that a decision need not replay it;
`journal verify` proves that they do. The *directory* (people, grants, keys) is who and what the rest is about.

Amounts are nano-USD, times are microseconds since 1970 UTC, both 64-bit integers. SQLite's tables are STRICT, so a
float or a text in an integer column is refused there as PostgreSQL does.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Int: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
JOURNAL = ("postings", "transfers", "calls", "links", "seals")
PAPERS = ("plans", "price_books", "price_book_uses", "changes", "documents", "exchange_rates", "imports")
"""Sealed by the chains (see `store.seals`). A column that is added to one later is NULL in the rows before it."""
REPORTS = ("usage_records", "usage_claims", "usage_totals")
"""What an import brought, and is sealed with it. A column that is added later comes last, and is NULL before."""
APPEND_ONLY = (*JOURNAL, *PAPERS, *REPORTS, "outlines")


def _col(name: str, kind: TypeEngine[Any] | None = None, *args: Any, **options: Any) -> Column[Any]:
    """A column that is never NULL unless it says so."""
    options.setdefault("nullable", False)
    return Column(name, kind if kind is not None else Int, *args, **options)


def _table(name: str, *items: Any, rowid: bool = True) -> Table:
    return Table(name, metadata, *items, sqlite_strict=True, sqlite_with_rowid=rowid)


posting_ids = Sequence("posting_ids", metadata=metadata)
"""PostgreSQL only: many writers share it. SQLite has one writer, which counts by itself."""
balance_ids = Sequence("balance_ids", metadata=metadata)
link_ids = Sequence("link_ids", metadata=metadata)

# --- directory ------------------------------------------------------------------------------------------------

people = _table(
    "people",
    _col("id", primary_key=True),
    _col("email", Text(), unique=True),
    _col("name", Text()),
    _col("team", Text()),
    _col("created_us"),
    _col("starts", Text(), nullable=True),
    _col("ends", Text(), nullable=True),
)

plans = _table(
    "plans",
    _col("id", primary_key=True),
    _col("name", Text()),
    _col("version"),
    _col("terms", Text()),
    _col("created_us"),
    UniqueConstraint("name", "version"),
)

grants = _table(
    "grants",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id"), index=True),
    _col("plan_id", Int, ForeignKey("plans.id")),
    _col("from_us"),
    _col("created_us"),
)

keys = _table(
    "keys",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id"), nullable=True, index=True),
    _col("role", Text()),
    _col("name", Text()),
    _col("shown", Text()),
    _col("digest", LargeBinary(), unique=True),
    _col("limit_id", nullable=True),
    _col("limit_nanos", nullable=True),
    _col("expires_us", nullable=True),
    _col("revoked_us", nullable=True),
    _col("created_us"),
    _col("parent_id", nullable=True, index=True),
    _col("models", Text(), nullable=True),
    _col("personal", server_default="0"),
    CheckConstraint("role IN ('administrator', 'finance', 'person')", name="role"),
    CheckConstraint("role = 'administrator' OR person_id IS NOT NULL", name="owner"),
)

limits = _table(
    "limits",
    _col("id", primary_key=True),
    _col("scope", Text()),
    _col("person_id", Int, ForeignKey("people.id"), nullable=True),
    _col("key_id", Int, ForeignKey("keys.id"), nullable=True),
    _col("team", Text()),
    _col("models", Text()),
    _col("per", Text()),
    _col("time_zone", Text()),
    _col("amount_nanos"),
    _col("soft_nanos", nullable=True),
    _col("created_us"),
    _col("ended_us", nullable=True),
    CheckConstraint("scope IN ('everybody', 'team', 'person', 'key')", name="scope"),
    CheckConstraint("per IN ('life', 'day', 'week', 'month')", name="per"),
    CheckConstraint("amount_nanos > 0", name="amount"),
)

pools = _table(
    "pools",
    _col("id", primary_key=True),
    _col("team", Text(), index=True),
    _col("plan_id", Int, ForeignKey("plans.id")),
    _col("from_us"),
    _col("created_us"),
)

runs = _table(
    "runs",
    _col("id", primary_key=True),
    _col("token", Text(), unique=True),
    _col("person_id", Int, ForeignKey("people.id"), index=True),
    _col("key_id", Int, ForeignKey("keys.id")),
    _col("parent_id", Int, ForeignKey("runs.id"), nullable=True, index=True),
    _col("name", Text()),
    _col("budget_nanos"),
    _col("started_us"),
    _col("until_us", nullable=True),
    _col("ended_us", nullable=True),
    _col("outcome", Text()),
    _col("exit_code", nullable=True),
    CheckConstraint("outcome IN ('running', 'ended', 'killed')", name="outcome"),
)

absences = _table(
    "absences",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id")),
    _col("from_day", Text()),
    _col("to_day", Text(), nullable=True),
    _col("reason", Text()),
    UniqueConstraint("person_id", "from_day"),
)

pay = _table(
    "pay",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id")),
    _col("from_day", Text()),
    _col("currency", Text()),
    _col("base_nanos"),
    _col("bonus_nanos"),
    _col("equity_nanos"),
    UniqueConstraint("person_id", "from_day"),
    CheckConstraint("base_nanos >= 0 AND bonus_nanos >= 0 AND equity_nanos >= 0", name="not_negative"),
)

exchange_rates = _table(
    "exchange_rates",
    _col("currency", Text(), primary_key=True),
    _col("from_day", Text(), primary_key=True),
    _col("unit_nanos"),
    CheckConstraint("unit_nanos > 0", name="positive"),
)

changes = _table(
    "changes",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id"), index=True),
    _col("grant_id", Int, ForeignKey("grants.id"), nullable=True),
    _col("kind", Text()),
    _col("amount_nanos", nullable=True),
    _col("announced_us"),
    _col("effective_us"),
    _col("until_us", nullable=True),
    _col("reason", Text()),
    _col("actor", Text()),
    _col("approver", Text()),
    _col("told", Text()),
)

requests = _table(
    "requests",
    _col("id", primary_key=True),
    _col("person_id", Int, ForeignKey("people.id"), index=True),
    _col("amount_nanos"),
    _col("reason", Text()),
    _col("state", Text()),
    _col("asked_us"),
    _col("decided_us", nullable=True),
    _col("decided_by", Text()),
    _col("answer", Text()),
    _col("change_id", Int, ForeignKey("changes.id"), nullable=True),
    CheckConstraint("state IN ('open', 'approved', 'denied')", name="state"),
    CheckConstraint("amount_nanos > 0", name="amount"),
)

documents = _table(
    "documents",
    _col("id", Text(), primary_key=True),
    _col("person_id", Int, ForeignKey("people.id")),
    _col("period", Text()),
    _col("n"),
    _col("digest", LargeBinary()),
    _col("signed", Text()),
    _col("replaces", Text(), nullable=True),
    _col("made_us"),
    UniqueConstraint("person_id", "period", "n"),
)

price_books = _table(
    "price_books",
    _col("version", Text(), primary_key=True),
    _col("content", LargeBinary()),
    _col("created_us"),
)

price_book_uses = _table(
    "price_book_uses",
    _col("id", primary_key=True),
    _col("version", Text(), ForeignKey("price_books.version")),
    _col("from_us"),
)
"""Which price book is in force from when on; the same one may be again, later."""

# --- the journal ----------------------------------------------------------------------------------------------

postings = _table(
    "postings",
    _col("id", primary_key=True, autoincrement=False),
    _col("link_id"),
    _col("op", Text(), unique=True),
    _col("digest", LargeBinary()),
    _col("verb", Text()),
    _col("person_id"),
    _col("effective_us"),
    _col("amount_nanos"),
    _col("reason", Text()),
    Index(None, "person_id", "effective_us"),
)

transfers = _table(
    "transfers",
    _col("posting_id", primary_key=True, autoincrement=False),
    _col("n", primary_key=True, autoincrement=False),
    _col("debit"),
    _col("credit"),
    _col("amount_nanos"),
    CheckConstraint("amount_nanos > 0", name="positive"),
    CheckConstraint("debit <> credit", name="moves"),
    rowid=False,
)

calls = _table(
    "calls",
    _col("posting_id", primary_key=True, autoincrement=False),
    _col("hold_id", Text()),
    _col("person_id"),
    _col("key_id"),
    _col("wire", Text()),
    _col("provider", Text()),
    _col("model", Text()),
    _col("variant", Text()),
    _col("started_us"),
    _col("ended_us"),
    _col("input_tokens"),
    _col("cache_read_tokens"),
    _col("cache_write_5m_tokens"),
    _col("cache_write_1h_tokens"),
    _col("output_tokens"),
    _col("audio_input_tokens"),
    _col("audio_output_tokens"),
    _col("web_searches"),
    _col("reasoning_tokens"),
    _col("price_version", Text()),
    _col("bound_nanos"),
    _col("cost_nanos"),
    _col("outcome", Text()),
    _col("reason", Text()),
    _col("provider_request", Text()),
    _col("provider_message", Text(), server_default=text("''")),
    CheckConstraint("cost_nanos >= 0", name="cost"),
)

links = _table(
    "links",
    _col("id", primary_key=True, autoincrement=False),
    _col("chain"),
    _col("n"),
    _col("postings"),
    _col("recorded_us"),
    _col("previous", LargeBinary()),
    _col("hash", LargeBinary()),
    UniqueConstraint("chain", "n"),
)

seals = _table(
    "seals",
    _col("link_id", primary_key=True, autoincrement=False),
    _col("n", primary_key=True, autoincrement=False),
    _col("paper", Text()),
    _col("key", Text()),
    _col("digest", LargeBinary()),
    UniqueConstraint("paper", "key"),
    rowid=False,
)

unsealed = _table(
    "unsealed", _col("paper", Text(), primary_key=True), _col("key", Text(), primary_key=True), rowid=False
)

refusals = _table(
    "refusals",
    _col("op", Text(), primary_key=True),
    _col("digest", LargeBinary()),
    _col("person_id"),
    _col("at_us"),
    _col("why", Text()),
    _col("facts", Text()),
)

# --- usage that others report ---------------------------------------------------------------------------------

imports = _table(
    "imports",
    _col("id", primary_key=True),
    _col("source", Text()),
    _col("name", Text()),
    _col("actor", Text()),
    _col("at_us"),
    _col("records"),
    _col("added"),
    _col("grown"),
    _col("repeated"),
    _col("first_id", Int, ForeignKey("imports.id"), nullable=True, index=True),
)
"""A long report is taken in parts. Each but the first names the first, whose number is that of the whole."""

usage_records = _table(
    "usage_records",
    _col("id", primary_key=True),
    _col("import_id", Int, ForeignKey("imports.id"), index=True),
    _col("source", Text()),
    _col("key", Text()),
    _col("version"),
    _col("person_id", Int, ForeignKey("people.id"), nullable=True),
    _col("person", Text()),
    _col("at_us"),
    _col("catalog", Text()),
    _col("model", Text()),
    _col("variant", Text()),
    _col("input_tokens"),
    _col("cache_read_tokens"),
    _col("cache_write_5m_tokens"),
    _col("cache_write_1h_tokens"),
    _col("output_tokens"),
    _col("audio_input_tokens"),
    _col("audio_output_tokens"),
    _col("web_searches"),
    _col("reasoning_tokens"),
    _col("request_id", Text(), nullable=True),
    _col("message_id", Text(), nullable=True),
    _col("sidechain"),
    _col("price_version", Text()),
    _col("cost_nanos", nullable=True),
    _col("source_cost_nanos", nullable=True),
    UniqueConstraint("source", "key", "version"),
)

usage_heads = _table(
    "usage_heads",
    _col("source", Text(), primary_key=True),
    _col("key", Text(), primary_key=True),
    _col("record_id", Int, ForeignKey("usage_records.id")),
    _col("request_id", Text(), nullable=True, index=True),
    _col("message_id", Text(), nullable=True, index=True),
    _col("person_id", nullable=True),
    _col("at_us"),
    _col("state", Text(), index=True),
    _col("why", Text()),
    _col("charged_nanos"),
    _col("charged_record", nullable=True),
    _col("charges"),
    Index(None, "person_id", "at_us"),
    CheckConstraint("charged_nanos >= 0", name="charged"),
)

usage_claims = _table(
    "usage_claims",
    _col("import_id", Int, ForeignKey("imports.id"), primary_key=True, autoincrement=False),
    _col("source", Text(), primary_key=True),
    _col("key", Text(), primary_key=True),
    _col("person_id", Int, ForeignKey("people.id")),
    Index(None, "source", "key"),
    rowid=False,
)
"""Calls that were told of for one person when they were another's."""

uploads = _table(
    "uploads",
    _col("id", primary_key=True),
    _col("source", Text()),
    _col("name", Text()),
    _col("actor", Text()),
    _col("person_id", nullable=True),
    _col("opened_us"),
    _col("parts", nullable=True),
    _col("import_id", nullable=True),
    _col("taken", LargeBinary()),
)
"""A long report while it is put together. With `parts` it is whole, and taken from then on; see `store.uploads`."""

upload_parts = _table(
    "upload_parts",
    _col("upload_id", primary_key=True, autoincrement=False),
    _col("n", primary_key=True, autoincrement=False),
    _col("records", LargeBinary()),
    _col("taken", LargeBinary(), nullable=True),
)

usage_totals = _table(
    "usage_totals",
    _col("id", primary_key=True),
    _col("import_id", Int, ForeignKey("imports.id")),
    _col("source", Text()),
    _col("key", Text()),
    _col("version"),
    _col("catalog", Text()),
    _col("starts_us"),
    _col("ends_us"),
    _col("model", Text()),
    _col("variant", Text()),
    _col("item", Text()),
    _col("person", Text()),
    _col("api_key", Text()),
    _col("project", Text()),
    _col("grouping", Text()),
    _col("requests", nullable=True),
    _col("input_tokens"),
    _col("cache_read_tokens"),
    _col("cache_write_5m_tokens"),
    _col("cache_write_1h_tokens"),
    _col("output_tokens"),
    _col("audio_input_tokens"),
    _col("audio_output_tokens"),
    _col("web_searches"),
    _col("cost_nanos", nullable=True),
    UniqueConstraint("source", "key", "version"),
    Index(None, "starts_us"),
    Index(None, "import_id"),
    CheckConstraint("starts_us < ends_us", name="time"),
)

outlines = _table(
    "outlines",
    _col("import_id", Int, ForeignKey("imports.id"), primary_key=True, autoincrement=False),
    _col("outline", LargeBinary()),
)
"""By which it is told what was changed in an import (see `store.outlines`)."""

# --- what the journal adds up to ------------------------------------------------------------------------------

balances = _table(
    "balances",
    _col("id", primary_key=True, autoincrement=False),
    _col("person_id", index=True),
    _col("kind", Text()),
    _col("source", Text()),
    _col("label", Text()),
    _col("priority"),
    _col("opens_us"),
    _col("expires_us"),
    _col("granted"),
    _col("available"),
    _col("held"),
    _col("spent"),
    _col("expired"),
    _col("overrun"),
    _col("unearned"),
    _col("revoked"),
    _col("carried_out"),
    _col("cashed_out"),
    _col("carried_in"),
    _col("adjusted"),
    UniqueConstraint("source", "label"),
    CheckConstraint("kind IN ('lot', 'limit')", name="kind"),
    CheckConstraint("available >= 0 AND held >= 0 AND spent >= 0 AND expired >= 0", name="not_negative"),
    CheckConstraint("unearned >= 0 AND revoked >= 0 AND carried_out >= 0 AND cashed_out >= 0", name="changed"),
    CheckConstraint("granted >= 0 AND overrun >= 0 AND carried_in >= 0 AND adjusted >= 0", name="funded"),
    CheckConstraint(
        "granted + carried_in + overrun + adjusted"
        " = available + unearned + held + spent + expired + revoked + carried_out + cashed_out",
        name="sums",
    ),
)

holds = _table(
    "holds",
    _col("id", Text(), primary_key=True),
    _col("person_id"),
    _col("amount_nanos"),
    _col("legs", LargeBinary()),
    _col("dispatched"),
    _col("held_us"),
    _col("chain"),
    _col("note", LargeBinary()),
    rowid=False,
)
