"""Prices."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from bursar.cli.files import read_text
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, count, gap, say, table

app = typer.Typer(name="prices", help="Show what models cost, and check the price book.", no_args_is_help=True)
_BUCKETS = {
    "input": "Input",
    "cache_read": "Cache read",
    "cache_write_5m": "Cache write, 5 minutes",
    "cache_write_1h": "Cache write, 1 hour",
    "output": "Output",
    "audio_input": "Audio input",
    "audio_output": "Audio output",
    "web_searches": "1,000 web searches",
}


@app.command()
def show(
    context: typer.Context,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A model's name, as a client sends it.")],
    catalog: Annotated[str | None, typer.Option(help="Only in this catalog, such as anthropic.")] = None,
    variant: Annotated[str, typer.Option(help="A variant that is priced apart, such as priority.")] = "standard",
    json: JsonFlag = False,
) -> None:
    """Show what a model costs now, in dollars per million tokens.

    \b
    Examples:
      bursar prices show claude-sonnet-4-5
      bursar prices show gpt-5 --catalog openai
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(f"/prices/{quote(model)}", catalog=catalog, variant=variant)
    if not session.show_json(found):
        _show(found)


@app.command()
def check(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]", help="A second table, in the shape of LiteLLM's model_prices_and_context_window.json."
        ),
    ] = None,
    catalog: Annotated[
        list[str] | None, typer.Option(help="Only in this catalog, such as anthropic. May be given several times.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Check the price book: which prices are unusual, and where a second table differs.

    Prices that are unlike most (output cheaper than input) are only listed. A difference from the second table fails
    the check with exit code 1. Nothing is downloaded.

    \b
    Examples:
      bursar prices check --catalog anthropic --catalog openai
      bursar prices check model_prices_and_context_window.json --catalog anthropic
    """
    session = session_of(context)
    table = None if file is None else read_text(file)
    with session.client() as client:
        found = client.post("/prices/check", {"table": table, "catalogs": catalog or []})
    if not session.show_json(found):
        _show_check(found)
    if found["differences"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any]) -> None:
    for card in found["cards"]:
        tiers = card["rates"]
        headings = [f">above {tier['above_tokens']:,}" if tier["above_tokens"] else ">USD" for tier in tiers]
        priced = [bucket for bucket in _BUCKETS if any(tier[bucket] for tier in tiers)]
        title = f"{card['model']} at {card['catalog']}" + _variant(card["variant"])
        table(
            ["A million tokens", *headings],
            [[_BUCKETS[bucket], *(tier[bucket] or NONE for tier in tiers)] for bucket in priced],
            empty="No price.",
            title=title,
        )
        say(_limits(card))
        others = [variant for variant in card["variants"] if variant != card["variant"]]
        if others:
            say(f"Also priced, with --variant: {', '.join(others)}.")
        gap()
    say(f"Price book {found['version']}.")


def _variant(variant: str) -> str:
    return "" if variant == "standard" else f", {variant}"


def _limits(card: dict[str, Any]) -> str:
    known = [(card["context_tokens"], "tokens of context"), (card["max_output_tokens"], "tokens of output")]
    told = [f"{count:,} {what}" for count, what in known if count is not None]
    return f"At most {', '.join(told)}." if told else "Its limits are not known."


def _show_check(found: dict[str, Any]) -> None:
    table(
        ["Catalog", "~Model", "Since", "~What is unusual"],
        [[odd["catalog"], odd["model"], odd["since"], odd["rule"]] for odd in found["unusual"]],
        empty="No price is unusual.",
    )
    gap()
    if found["compared"]:
        _show_comparison(found)
    say(f"Price book {found['version']}.")


def _show_comparison(found: dict[str, Any]) -> None:
    differences = found["differences"]
    table(
        ["Catalog", "~The table's name", "Variant", "Bucket", ">Above", ">Ours", ">Theirs", ">Off by"],
        [
            [
                one["catalog"],
                one["named"],
                one["variant"],
                one["bucket"],
                f"{one['above_tokens']:,}",
                one["ours"],
                one["theirs"],
                _off_by(one["ours"], one["theirs"]),
            ]
            for one in differences
        ],
        empty="The table has the same prices, where both have one.",
    )
    gap()
    say(f"Compared {count(found['rates'], 'rate')} of {count(found['models'], 'model')}: {len(differences)} differ.")
    if differences:
        say(
            "What to do: look the price up at the provider, neither table is a bill. Where ours is wrong, put yours\n"
            "into prices.toml, with the day from which it holds, and start Bursar anew. Where theirs is, do nothing."
        )


def _off_by(ours: str, theirs: str) -> str:
    """How much more the table asks for, in percent of ours."""
    if not Decimal(ours):
        return NONE
    return f"{100 * (Decimal(theirs) / Decimal(ours) - 1):+.1f} %"
