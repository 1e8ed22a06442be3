"""texts: what screening held or turned down, for customers, reviewers and auditors."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assent.cli.console import Json, moment, session, show
from assent.client import Client
from assent.errors import InvalidInput

texts = typer.Typer(no_args_is_help=True, help="Texts that screening held or turned down.")
COLUMNS: Final = ("text", "label", "category", "purpose", "agreement", "reviewers", "at")

TextId = Annotated[str, typer.Argument(help="Number of the text, as the order's answer told it.")]
Words = Annotated[str, typer.Option(help="What is said to the customer.")]
Category = Annotated[
    str | None, typer.Option(help="What you call the text, if not what screening called it.")
]
From = Annotated[str, typer.Option("--from", help="From when, like 2026-11-01T00:00:00+08:00.")]
To = Annotated[str, typer.Option("--to", help="Until when, with a zone.")]


@texts.command("list")
def list_texts(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="held, approved, refused or changed.")] = None,
    cursor: Annotated[int, typer.Option(help="Below this number.")] = 0,
    limit: int = 100,
    as_json: Json = False,
) -> None:
    """List texts that were held or turned down, newest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.texts(state, cursor, limit)
    if not run.json:
        rows = [{**one, "findings": " ".join(found["en"] for found in one["findings"])}
                for one in told["items"]]  # fmt: skip
        told = {**told, "items": rows}
    show(run, told, "texts")


@texts.command("show")
def show_text(ctx: typer.Context, text: TextId, as_json: Json = False) -> None:
    """Show a text with what is against it, and where; reviewers see its sender's record, too."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.text(text), "text")


@texts.command("approve")
def approve(
    ctx: typer.Context,
    text: TextId,
    code: Annotated[str, typer.Option(help="in_order or false_alarm.")] = "in_order",
    words: Words = "",
    category: Category = None,
    as_json: Json = False,
) -> None:
    """Approve a text; where two must agree, the second decides."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.approve_text(text, code, words, category), "text")


@texts.command("refuse")
def refuse(
    ctx: typer.Context,
    text: TextId,
    code: Annotated[str, typer.Option(help="The ground, a word of docs/front-door.md.")],
    words: Words = "",
    category: Category = None,
    as_json: Json = False,
) -> None:
    """Refuse a text; campaigns that wait for it end, and their money comes back."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.refuse_text(text, code, words, category), "text")


@texts.command("change")
def change(
    ctx: typer.Context,
    text: TextId,
    changed: Annotated[str, typer.Argument(help="The text to approve, without 【signature】.")],
    words: Words = "",
    category: Category = None,
    as_json: Json = False,
) -> None:
    """Approve another text in its place, which its customer may adopt."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.change_text(text, changed, words, category), "text")


@texts.command("ask")
def ask(
    ctx: typer.Context,
    text: TextId,
    words: Annotated[str, typer.Argument(help="The question.")],
    as_json: Json = False,
) -> None:
    """Ask the customer something about a text."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.ask_about_text(text, words), "text")


@texts.command("appeal")
def appeal(
    ctx: typer.Context,
    text: TextId,
    words: Annotated[str, typer.Argument(help="Why it is in order.")],
    as_json: Json = False,
) -> None:
    """Say why a held or refused text is in order; another reviewer decides."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.appeal_text(text, words), "text")


@texts.command("adopt")
def adopt(ctx: typer.Context, text: TextId, as_json: Json = False) -> None:
    """Take over what a reviewer made of a text: campaigns that wait for it go on with that."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.adopt_text(text), "text")


@texts.command("report")
def report(ctx: typer.Context, since: From, to: To, as_json: Json = False) -> None:
    """Tell how reviewers and screening agreed in a time."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.text_report(_time(since, "--from"), _time(to, "--to")), "report")


@texts.command("export-labels")
def export_labels(
    ctx: typer.Context,
    since: From,
    to: To,
    out: Annotated[Path, typer.Option(help="CSV file to write; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Write texts that people decided about as a CSV file to train models with. For auditors."""
    run = session(ctx, as_json)
    period = _time(since, "--from"), _time(to, "--to")
    try:
        file = out.open("x", encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidInput(
            "cannot_write", f"{out}: {error.strerror}", field="--out", rule="cli: files",
            mend="name a file that is not there yet",
        ) from None  # fmt: skip
    count = 0
    with run.client() as client, file:
        writer = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
        writer.writeheader()
        for row in _labels(client, *period):
            writer.writerow(row)
            count += 1
    show(run, {"out": str(out), "texts": count}, "labels")


def _labels(client: Client, since: datetime, to: datetime) -> Iterator[dict[str, Any]]:
    cursor, more = 0, True
    while more:
        told = client.text_labels(since, to, cursor)
        yield from told["items"]
        cursor, more = int(told["cursor"]), told["more"]


def _time(text: str, option: str) -> datetime:
    time = moment(text, option)
    if time is None:
        raise InvalidInput("bad_time", "no time is given", field=option, rule="cli: times")
    return time
