"""Journals as text for beancount and hledger: exact to the nano-dollar."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bursar.exports.chart import Chart
from bursar.exports.entries import ABOUT, Entry
from bursar.exports.span import Span
from bursar.money import usd

_HEAD = "; Bursar, {label} ({zone}){recorded}: what was used, and what became of credit, by team and plan."


def beancount(entries: Iterable[Entry], span: Span, chart: Chart) -> Iterator[str]:
    """A file that `bean-check` accepts as it is, and that another may include."""
    yield _HEAD.format(label=span.label, zone=span.time_zone, recorded=span.recorded.told) + "\n"
    yield 'option "operating_currency" "USD"\nplugin "beancount.plugins.auto_accounts"\n'
    for entry in entries:
        yield f'\n{entry.day} * "{ABOUT[entry.kind]}" "{_quoted(_said(entry, chart))}"\n'
        yield f'  id: "{entry.id}"\n  team: "{_quoted(entry.centre.team)}"\n  plan: "{_quoted(entry.centre.plan)}"\n'
        yield from _lines(entry, "  ")


def hledger(entries: Iterable[Entry], span: Span, chart: Chart) -> Iterator[str]:
    """A file that `hledger check --strict` accepts, and that another may include. Tags say the team and the plan."""
    yield _HEAD.format(label=span.label, zone=span.time_zone, recorded=span.recorded.told) + "\n"
    yield "decimal-mark .\ncommodity 1.000000000 USD\n"
    for name in sorted(set(chart.names.values())):
        yield f"account {name}\n"
    for entry in entries:
        yield f"\n{entry.day} * ({entry.id}) {ABOUT[entry.kind]} | {_plain(_said(entry, chart))}\n"
        for name, value in entry.centre._asdict().items():
            yield f"    ; {name}: {_plain(value).replace(',', ' ')}\n"
        yield from _lines(entry, "    ")


def _said(entry: Entry, chart: Chart) -> str:
    return f"{chart.department(entry.centre.team) or 'no team'}, {entry.centre.plan}"


def _lines(entry: Entry, indent: str) -> Iterator[str]:
    amounts = [usd(line.amount_nanos) for line in entry.lines]
    name_width = max(len(line.account) for line in entry.lines)
    width = max(map(len, amounts))
    for line, amount in zip(entry.lines, amounts, strict=True):
        yield f"{indent}{line.account:<{name_width}}  {amount:>{width}} USD\n"


def _plain(text: str) -> str:
    """A text that ends no line and begins no comment."""
    return "".join(letter if letter.isprintable() and letter not in ";|" else " " for letter in text).strip()


def _quoted(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return plain.replace("\\", "\\\\").replace('"', '\\"')
