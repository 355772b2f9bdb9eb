"""Words and marks for pages of plain text. The same in every locale, so that a page can be made again to the byte."""

from __future__ import annotations

from bursar.reports.days import weekday

MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def bar(part: int, whole: int, columns: int) -> str:
    """A bar of at most so many columns, in eighths of one; something is never nothing."""
    eighths = max(1, part * columns * 8 // whole) if part else 0
    return "█" * (eighths // 8) + ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")[eighths % 8]


def tokens(number: int) -> str:
    """A count of tokens in three digits or so: "812", "4.1k", "12M"."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            tenths = number * 10 // size
            return f"{tenths // 10}.{tenths % 10}{unit}" if tenths < 100 else f"{tenths // 10}{unit}"
    return str(number)


def count(number: int, one: str, more: str | None = None) -> str:
    """A number of things, in the right number."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def period(label: str) -> str:
    """ "2026-11" as "November 2026"; a label of another form as it is."""
    year, _, month = label.partition("-")
    if year.isdigit() and month.isdigit() and 1 <= int(month) <= 12:
        return f"{MONTHS[int(month) - 1]} {year}"
    return label


def short_day(day: str) -> str:
    """ "2026-11-02" as "Mon  2 Nov"."""
    _, month, number = day.split("-")
    return f"{WEEKDAYS[weekday(day)]} {int(number):2} {MONTHS[int(month) - 1][:3]}"


def clean(text: str) -> str:
    """Text without anything that would move a terminal's cursor."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def fit(text: str, width: int) -> str:
    """Text cleaned, and cut to a width."""
    text = clean(text)
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
