"""complaint: taken in from files and people, listed, passed on, answered."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.console import Json, session, show
from assent.errors import InvalidInput

complaint = typer.Typer(no_args_is_help=True, help="Complaints of receivers.")

Number = Annotated[int, typer.Argument(help="Id of the complaint.")]
Words = Annotated[str, typer.Option(help="What is said.")]
Cursor = Annotated[str, typer.Option(help="Where to go on.")]


@complaint.command("import")
def import_file(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="CSV, XLSX, JSON, or a line a report.", dir_okay=False)
    ],
    mapping: Annotated[
        str | None,
        typer.Option(help="10086999, 10010, 10000999, 12321, or a file with a mapping."),
    ] = None,
    carrier: Annotated[
        str | None, typer.Option(help="Whose file it is, where the mapping does not say.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a file of complaints of a carrier or of 12321. The same again changes nothing."""
    run = session(ctx, as_json)
    if not file.is_file():
        raise InvalidInput(
            "bad_file", f"there is no file {file}", field="FILE", rule="cli: files",
            mend="name the file as it came",
        )  # fmt: skip
    with run.client() as client:
        show(run, client.import_complaints(file, mapping=_mapping(mapping), carrier=carrier),
             "complaints")  # fmt: skip


@complaint.command("files")
def files(ctx: typer.Context, cursor: Cursor = "0", as_json: Json = False) -> None:
    """List the files that were taken, newest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.complaint_files(cursor), "files")


@complaint.command("add")
def add(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="The number of who complains.")],
    sender: Annotated[
        str | None, typer.Option(help="Credit code of the sender that is complained of.")
    ] = None,
    port: Annotated[
        str | None, typer.Option(help="Staff: the port, in place of the sender.")
    ] = None,
    words: Annotated[str, typer.Option(help="What she says.")] = "",
    text: Annotated[str, typer.Option(help="What she was sent, as she says.")] = "",
    reference: Annotated[
        str | None, typer.Option(help="Your own number of it; the same again is the same.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand in what a receiver complained of. Advertising of that sender to her ends at once."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.complain(
            number, sender=sender, port=port, words=words, text=text, reference=reference
        )
    show(run, told, "complaint")


@complaint.command("list")
def list_complaints(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="open, forwarded, answered or not_ours.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(help="receiver, telephone, reply, carrier, 12321 or api."),
    ] = None,
    sender: Annotated[str | None, typer.Option(help="Credit code of a sender.")] = None,
    port: Annotated[str | None, typer.Option(help="The number complained of.")] = None,
    account: Annotated[str | None, typer.Option(help="Staff: name of an account.")] = None,
    overdue: Annotated[
        bool, typer.Option("--overdue", help="Only those that wait too long.")
    ] = False,
    cursor: Cursor = "0",
    as_json: Json = False,
) -> None:
    """List complaints, newest first: staff all, a customer those that concern it."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.complaints(
            state=state, source=source, sender=sender, port=port, account=account,
            overdue=overdue, cursor=cursor,
        )  # fmt: skip
    show(run, told, "complaints")


@complaint.command("show")
def show_complaint(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """Show a complaint: its words and what it is about; to a customer without who complained."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.complaint(number), "complaint")


@complaint.command("answer")
def answer(ctx: typer.Context, number: Number, words: Words, as_json: Json = False) -> None:
    """Answer a complaint: staff to who complained, a customer to the staff."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.answer_complaint(number, words), "complaint")


@complaint.command("forward")
def forward(ctx: typer.Context, number: Number, words: Words, as_json: Json = False) -> None:
    """Pass a complaint on to the customer it concerns, in words that name nobody."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.forward_complaint(number, words), "complaint")


@complaint.command("note")
def note(ctx: typer.Context, number: Number, words: Words, as_json: Json = False) -> None:
    """Keep words about a complaint for the staff."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.note_complaint(number, words), "complaint")


@complaint.command("not-ours")
def not_ours(ctx: typer.Context, number: Number, words: Words, as_json: Json = False) -> None:
    """Say that nobody of this platform's sent it, and why; who complained reads it."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.complaint_not_ours(number, words), "complaint")


def _mapping(given: str | None) -> str | None:
    """Return a mapping as the API takes it: what is a file is read. Raises InvalidInput."""
    if given is None or not Path(given).is_file():
        return given
    try:
        return Path(given).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(
            "bad_file", f"{given} cannot be read as a text", field="--mapping", rule="cli: files",
            mend="save it as UTF-8",
        ) from None  # fmt: skip
