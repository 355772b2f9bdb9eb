"""A data folder with one person, one plan and a key, whose providers are the simulated ones."""

from __future__ import annotations

from pathlib import Path

from bursar.app import load_prices, now_us
from bursar.books import Books
from bursar.store.database import Database
from bursar.terms.plan import read_plan

EMAIL = "ada@example.com"
CONFIG = """
[providers.sim-openai]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["gpt-*", "o*", "text-embedding-*"]

[providers.sim-anthropic]
wire = "anthropic"
base_url = "{url}"
key_file = "provider.key"
models = ["claude-*"]

[providers.sim-gemini]
wire = "gemini"
base_url = "{url}"
key_file = "provider.key"
models = ["gemini-*"]
{more}
"""


def found(
    folder: Path, sim_url: str, *, amount: str = "1.00", plan: str = "", more: str = "", url: str | None = None
) -> str:
    """Make a data folder with a person on a plan of `amount` a month; returns the secret of the person's key."""
    folder.mkdir(parents=True, exist_ok=True)
    database = f'[database]\nurl = "{url}"' if url else ""
    (folder / "provider.key").write_text("sk-provider")
    (folder / "bursar.toml").write_text(CONFIG.format(url=sim_url, more=more + database))
    books = open_books(folder, url)
    try:
        books.add_person(EMAIL, "Ada")
        books.add_plan(read_plan(f'name = "engineers"\namount = "{amount}"\n{plan}'))
        books.grant(EMAIL, "engineers")
        return books.create_key(EMAIL, "laptop").secret
    finally:
        books.close()


def open_books(folder: Path, url: str | None = None) -> Books:
    """The books of a folder that no server has open."""
    database = Database(url) if url else Database.in_folder(folder)
    database.migrate()
    return Books(database, load_prices(folder), now_us)
