"""A small HTML table, for whoever looks at a valuation in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape


def html_table(caption: str, head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table of texts, all escaped; the first column is left-aligned, the others right."""
    top = "".join(f"<th style='text-align:{_side(at)}'>{escape(name)}</th>" for at, name in enumerate(head))
    body = "".join(
        "<tr>"
        + "".join(f"<td style='text-align:{_side(at)}'>{escape(text)}</td>" for at, text in enumerate(line))
        + "</tr>"
        for line in lines
    )
    return f"<table><caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def dollars(amount_usd: float) -> str:
    """Dollars to three significant figures, as a model's result deserves: $1,820, $345,000, −$37,000."""
    rounded = float(f"{amount_usd:.3g}")
    return f"{'−' if rounded < 0 else ''}${abs(rounded):,.0f}"


def _side(at: int) -> str:
    return "right" if at else "left"
