"""A new offer file: asked for question by question, or a template to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bursar.cli.files import write_text
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import say
from bursar.refusals import Refused, field_invalid

if TYPE_CHECKING:
    from bursar.offers.file import OfferFile

BUDGET, AMOUNT = "tokens.", "tokens.amount"
NEEDED = ("name", "base")


def new(
    context: typer.Context,
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE.toml", help="Where to, a new file.  [the terminal]")
    ] = None,
    template: Annotated[
        bool, typer.Option("--template", help="Ask nothing; write every field with what it means.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Write an offer file: what the offer says, in the order in which it is asked.

    Only a name and the base have to be answered; what the offer does not state is left out, and is not the same as
    a term that it denies. The file has every field, with what it means. `--json` prints what was understood.

    \b
    Examples:
      bursar offer new offer.toml
      bursar offer new offer.toml --template
    """
    from bursar.offers.template import template as filled_in  # noqa: PLC0415 - `--help` needs no numpy
    from bursar.offers.template import write_offer  # noqa: PLC0415

    if file is not None and file.exists():
        raise field_invalid("FILE.toml", f"{file}, which is there already", "a file that is not there yet")
    text = filled_in() if template else write_offer(_asked())
    if file is not None:
        write_text(file, text)
    if session_of(context).show_json(_read(text)):
        return
    if file is None:
        print(text, end="")
    else:
        say(f"The offer is in {file}. Next: bursar offer value {file}")


def _read(text: str) -> Any:
    import msgspec  # noqa: PLC0415

    from bursar.offers.file import read_offer  # noqa: PLC0415

    return msgspec.to_builtins(read_offer(text))


def _asked() -> OfferFile:
    """The offer that the answers are."""
    from bursar.offers.template import from_answers, questions  # noqa: PLC0415

    say("Leave an answer empty for what the offer does not state.")
    answers: dict[str, str] = {}
    for question in questions():
        if question.field.startswith(BUDGET) and question.field != AMOUNT and not answers[AMOUNT]:
            continue
        answers[question.field] = _answer(question.field, f"{question.text} (such as {question.hint})")
    while True:
        try:
            return from_answers(answers)
        except Refused as refused:
            field = refused.refusal.field
            if field is None:
                raise
            say(refused.refusal.text)
            answers[field] = _answer(field, f"{field}?")


def _answer(field: str, text: str) -> str:
    """An answer that is right by itself, or empty where it may be."""
    from bursar.offers.template import check_answer  # noqa: PLC0415

    while True:
        answer: str = typer.prompt(text, default="", show_default=False, prompt_suffix="\n> ", err=True).strip()
        try:
            if answer or field in NEEDED:
                check_answer(field, answer)
        except Refused as refused:
            say(refused.refusal.text)
            continue
        return answer
