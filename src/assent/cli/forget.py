"""person, and consents that end: people to be forgotten, numbers with new holders, and what senders
say of consents that are over."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assent.cli.admission import write_out
from assent.cli.console import Json, bar, moment, session, show
from assent.cli.people import File, NumberColumn, numbers_of
from assent.cli.sending import Key, Sender
from assent.client.calls import summed
from assent.errors import InvalidInput

person = typer.Typer(no_args_is_help=True, help="People to be forgotten, numbers with new holders.")
_A_CALL: Final = 1_000

Recipient = Annotated[str, typer.Option(help="The person's number.")]
Cursor = Annotated[int, typer.Option(help="Go on after this one.")]


@person.command("erase")
def erase(
    ctx: typer.Context,
    recipient: Recipient,
    ground: Annotated[
        str, typer.Option(help="How she asked, and how it was seen that the number is hers.")
    ],
    channel: Annotated[str, typer.Option(help="voice, paper, counter or mail.")],
    no_mark: Annotated[
        bool, typer.Option("--no-mark", help="She was told what the mark is for, and declined it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Erase a person: number and secret are deleted, and every trace of the number."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.erase(recipient, ground, channel, keep_mark=not no_mark), "erasure")


@person.command("erasures")
def erasures(ctx: typer.Context, cursor: Cursor = 0, as_json: Json = False) -> None:
    """List erasures and how far each is."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.erasures(cursor), "erasures")


@person.command("hold")
def hold(
    ctx: typer.Context,
    recipient: Recipient,
    why: Annotated[str, typer.Option(help="Which court or authority asked, and its reference.")],
    until: Annotated[str | None, typer.Option(help="Until when, with a zone.")] = None,
    as_json: Json = False,
) -> None:
    """Keep what is known of a person: erasure and removal wait."""
    run = session(ctx, as_json)
    end = moment(until, "--until")
    with run.client() as client:
        show(run, client.hold_person(recipient, why, end), "legal hold")


@person.command("holds")
def holds(ctx: typer.Context, cursor: Cursor = 0, as_json: Json = False) -> None:
    """List the legal holds in force."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.legal_holds(cursor), "legal holds")


@person.command("lift")
def lift(
    ctx: typer.Context,
    hold_id: Annotated[int, typer.Argument(metavar="ID", help="The hold's id.")],
    as_json: Json = False,
) -> None:
    """Lift a legal hold; an erasure that waited for it is carried out."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lift_hold(hold_id), "legal hold")


@person.command("reassigned")
def reassigned(
    ctx: typer.Context,
    file: File,
    source: Annotated[str, typer.Option(help="The carrier whose file it is.")],
    dated: Annotated[str, typer.Option(help="The day of the file, such as 2026-11-22.")],
    sure: Annotated[
        bool, typer.Option("--sure", help="Close also who did something after that day.")
    ] = False,
    number_column: NumberColumn = None,
    as_json: Json = False,
) -> None:
    """Take a carrier's dated file of numbers that have a new holder."""
    run = session(ctx, as_json)
    day = _day(dated)
    numbers = numbers_of(file, number_column)
    total: dict[str, Any] = {}
    with run.client() as client, bar(run, "numbers", len(numbers)) as move:
        for first in range(0, len(numbers), _A_CALL):
            part = numbers[first : first + _A_CALL]
            told = client.reassigned(source, day, part, sure=sure)
            total = summed(total, told, first)
            move(first + len(part))
    total.pop("id", None)
    show(run, total, "reassigned")


@person.command("sources")
def sources(ctx: typer.Context, as_json: Json = False) -> None:
    """Count what each source told of numbers with new holders."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.reassignments(), "sources")


def end(
    ctx: typer.Context,
    sender: Sender,
    programme: Annotated[
        str | None, typer.Option(help="Programme that ends; all of the sender's if not given.")
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option("--people", exists=True, dir_okay=False, help="Of these people only."),
    ] = None,
    number_column: NumberColumn = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """End consents: of people who have no more to do with the sender, or of a whole programme."""
    run = session(ctx, as_json)
    with run.client() as client:
        if file is None:
            show(run, client.end_consents(sender, programme=programme, key=key), "consents")
            return
        numbers, total = numbers_of(file, number_column), dict[str, Any]()
        for first in range(0, len(numbers), _A_CALL):
            part = numbers[first : first + _A_CALL]
            mine = None if key is None else f"{key}-{first}"
            told = client.end_consents(sender, programme=programme, to=part, key=mine)
            total = summed(total, told, first)
    show(run, total, "consents")


def evidence_add(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The file.")],
    as_json: Json = False,
) -> None:
    """Hand in a file that backs consents; name its digest with the import (--evidence)."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.keep_evidence(file.read_bytes()), "evidence")


def evidence_get(
    ctx: typer.Context,
    digest: Annotated[str, typer.Argument(help="SHA-256 of the file.")],
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Fetch a file that backs consents, while it is kept."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.evidence_file(digest)
    show(run, write_out(out, told), "evidence")


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise InvalidInput(
            "bad_date", "not a day", field="--dated", rule="cli: times",
            mend="write it like 2026-11-22",
        ) from None  # fmt: skip
