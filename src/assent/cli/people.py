"""consent and refusal: files of people, read here and handed over in portions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from assent.cli.console import Json, bar, moment, session, show
from assent.cli.sending import Key, Sender
from assent.errors import InvalidInput
from assent.web.audience_plan import ReadOptions, plan
from assent.web.tables import rows_of

consent = typer.Typer(no_args_is_help=True, help="Consents that a sender holds.")
refusal = typer.Typer(no_args_is_help=True, help="Refusals through other doors than a reply.")

_XLSX: Final = 64 << 20
_RULE: Final = "cli: files"

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, Parquet or XLSX.")]
NumberColumn = Annotated[
    str | None, typer.Option(help="Column with the numbers, if it cannot be guessed.")
]


@consent.command("import")
def import_consents(
    ctx: typer.Context,
    file: File,
    sender: Sender,
    programme: Annotated[str, typer.Option(help="Programme that people agreed to.")],
    grade: Annotated[str, typer.Option(help="How it is proved: assertion or document.")],
    wording: Annotated[str, typer.Option(help="Version of the wording they agreed to.")],
    source: Annotated[str, typer.Option(help="Where and how it was obtained, in words.")],
    until: Annotated[str | None, typer.Option(help="When the consents lapse, with zone.")] = None,
    evidence: Annotated[
        str | None, typer.Option(help="Digest of a file that backs them (assent consent file).")
    ] = None,
    how: Annotated[
        str | None, typer.Option(help="How it was obtained, in one word, such as form or counter.")
    ] = None,
    wording_file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="The words themselves, UTF-8.")
    ] = None,
    declared: Annotated[
        list[str] | None,
        typer.Option(help="What makes it worth less: pre_ticked, forced, bundled, incentive."),
    ] = None,
    number_column: NumberColumn = None,
    time_column: Annotated[
        str, typer.Option(help="Column with the time at which each person agreed.")
    ] = "at",
    zone: Annotated[
        str | None, typer.Option(help="Zone of times without one, such as Asia/Shanghai.")
    ] = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Import a file of consents. The whole file is read before anything is handed over. (long: an
    option a line)"""
    run = session(ctx, as_json)
    place = _zone(zone)
    rows = [
        {"to": number, "at": _time(value, row, place)}
        for row, number, value in _table(file, number_column, time_column)
    ]
    _check_any(rows)
    facts = {
        "how": how, "declared": declared or None,
        "wording_text": None if wording_file is None else _words(wording_file),
    }  # fmt: skip
    with run.client() as client, bar(run, "consents", len(rows)) as move:
        answer = client.import_consents(
            rows, sender=sender, programme=programme, grade=grade, wording=wording, source=source,
            until=moment(until, "--until"), evidence=evidence, key=key, progress=move, **facts,
        )  # fmt: skip
    show(run, answer, "consents")


@refusal.command("import")
def import_refusals(  # long: two kinds of files, one command
    ctx: typer.Context,
    file: File,
    sender: Annotated[
        str | None, typer.Option("--sender", help="Credit code of the sender; staff: or name.")
    ] = None,
    source: Annotated[str, typer.Option(help="Through which door they refused, in words.")] = "",
    from_: Annotated[
        str | None, typer.Option("--from", help="Staff: 12321, or carrier with --carrier.")
    ] = None,
    carrier: Annotated[str | None, typer.Option(help="Staff: the carrier's name.")] = None,
    dated: Annotated[str, typer.Option(help="Staff: of what day it is: 2026-11-22.")] = "",
    port: Annotated[str | None, typer.Option(help="Staff: who writes from it is refused.")] = None,
    everybody: Annotated[
        bool, typer.Option("--all", help="Staff: every sender is refused.")
    ] = False,
    purpose: Annotated[
        list[str] | None,
        typer.Option(help="What they refuse; marketing and internal if not given."),
    ] = None,
    number_column: NumberColumn = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Import a file of people who refused: a sender's, or one of 12321 or of a carrier."""
    run = session(ctx, as_json)
    if from_ is not None:
        origin, of = _origin(from_, carrier)
        with run.client() as client:
            answer = client.import_refusal_file(
                file, origin=origin, source=of, dated=dated, sender=sender, port=port,
                everybody=everybody,
            )  # fmt: skip
        show(run, answer, "refusals")
        return
    if sender is None or not source:
        raise InvalidInput(
            "missing_option", "a sender's file needs --sender and --source", field="--sender",
            rule="cli: options", mend="give both, or --from for a file of 12321 or a carrier",
        )  # fmt: skip
    numbers = numbers_of(file, number_column)
    with run.client() as client, bar(run, "refusals", len(numbers)) as move:
        answer = client.refuse(
            numbers, sender=sender, source=source, purposes=purpose, key=key, progress=move
        )
    show(run, answer, "refusals")


@refusal.command("files")
def list_refusal_files(ctx: typer.Context, as_json: Json = False) -> None:
    """List the files of 12321 and of carriers that were taken."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.refusal_files(), "refusal files")


@refusal.command("unclear")
def list_unclear(
    ctx: typer.Context, cursor: int = 0, limit: int = 100, as_json: Json = False
) -> None:
    """List unclear replies that a person must read; marketing to these people rests."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.unclear_replies(cursor, limit), "replies")


@refusal.command("read")
def read_unclear(
    ctx: typer.Context,
    reply: Annotated[str, typer.Argument(help="Id, as `refusal unclear` tells it.")],
    reading: Annotated[str, typer.Argument(help="refusal, refusal_all or nothing.")],
    as_json: Json = False,
) -> None:
    """Say what you read in an unclear reply."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.read_reply(reply, reading), "reply")


def _origin(word: str, carrier: str | None) -> tuple[str, str]:
    """Return the origin of a file and its source. Raises InvalidInput."""
    if word == "carrier" and carrier:
        return "carrier", carrier
    if word == "carrier" or carrier:
        raise InvalidInput(
            "missing_option", "a carrier's file needs --from carrier and --carrier NAME",
            field="--carrier", rule="cli: options", mend="name the carrier as the settings do",
        )  # fmt: skip
    return "regulator", word


def _table(
    file: Path, number_column: str | None, value_column: str | None
) -> Iterator[tuple[int, str, str]]:
    """Yield (row, number, value) of a file. Raises InvalidInput naming row or column."""
    rows = rows_of(file, _XLSX)
    first = next((row for row in rows if row), None)
    if first is None:
        raise _empty()
    columns = {"value": value_column} if value_column is not None else {}
    meaning = plan(first, ReadOptions(number_column, columns))
    place = meaning.variables.get("value")
    row = 0
    if not meaning.header:
        row = 1
        yield row, first[meaning.number], first[place] if place is not None else ""
    for cells in rows:
        row += 1
        if cells:
            padded: list[Any] = [*cells, *[""] * (len(first) - len(cells))]
            yield row, padded[meaning.number], padded[place] if place is not None else ""


def numbers_of(file: Path, column: str | None) -> list[str]:
    """Return the numbers of a file. Raises InvalidInput, also for one without rows."""
    numbers = [number for _, number, _ in _table(file, column, None)]
    _check_any(numbers)
    return numbers


def _check_any(rows: list[Any]) -> None:
    if not rows:
        raise _empty()


def _words(file: Path) -> str:
    try:
        return file.read_text("utf-8").strip()
    except UnicodeDecodeError:
        raise InvalidInput(
            "bad_encoding", "the words are not in UTF-8", field="--wording-file", rule=_RULE,
            mend="save the file as UTF-8",
        ) from None  # fmt: skip


def _empty() -> InvalidInput:
    return InvalidInput(
        "file_empty", "the file has no rows", field="FILE", rule=_RULE,
        mend="put one person in each row",
    )  # fmt: skip


def _zone(name: str | None) -> ZoneInfo | None:
    if name is None:
        return None
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise InvalidInput(
            "bad_zone", "there is no such zone", field="--zone", rule="cli: times",
            mend="write it like Asia/Shanghai",
        ) from None  # fmt: skip


def _time(text: str, row: int, zone: ZoneInfo | None) -> datetime:
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        time = None
    if time is not None and time.tzinfo is None and zone is not None:
        time = time.replace(tzinfo=zone)
    if time is None or time.tzinfo is None:
        raise InvalidInput(
            "bad_time", f"row {row} has no time with a zone", field="--time-column", rule=_RULE,
            mend="write times like 2026-11-22T10:00:00+08:00, or give --zone",
            details={"row": row},
        )  # fmt: skip
    return time
