"""account apply and show, sender, document, letter: the front door, for applicants."""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from assent.cli.console import Json, session, show
from assent.errors import InvalidInput

sender = typer.Typer(no_args_is_help=True, help="Entities that you send for.")
document = typer.Typer(no_args_is_help=True, help="Papers: hand them in, see where they stand.")
letter = typer.Typer(no_args_is_help=True, help="Authorisation letters.")

Words = Annotated[
    Path, typer.Argument(help="TOML or JSON with the fields of docs/front-door.md; - for stdin.")
]
DocumentId = Annotated[str, typer.Argument(help="Id of the paper.")]


def read_words(path: Path) -> dict[str, Any]:
    """Return the fields of a file. Identity numbers are in no argument, so that no list of
    processes shows them. Raises InvalidInput."""
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text("utf-8")
        found = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "bad_file", f"{path.name}: {error}", field="file", rule="cli: files",
            mend="docs/front-door.md shows what it holds",
        ) from None  # fmt: skip
    if not isinstance(found, dict):
        raise InvalidInput("bad_file", f"{path.name} holds no fields", field="file",
                           rule="cli: files", mend="write one table or object")  # fmt: skip
    return found


def apply(ctx: typer.Context, file: Words, as_json: Json = False) -> None:
    """Apply for the entity that the account belongs to; tells what is missing."""
    run = session(ctx, as_json)
    with run.client() as client:
        _shown(run, client.apply(read_words(file)))


def show_admission(ctx: typer.Context, as_json: Json = False) -> None:
    """Tell where everything stands: what is missing and why, what ends soon, what was asked."""
    run = session(ctx, as_json)
    with run.client() as client:
        _shown(run, client.admission())


def answer(
    ctx: typer.Context,
    item: Annotated[str, typer.Argument(help="Id of the item, as account show tells it.")],
    words: Annotated[str, typer.Argument(help="The answer.")],
    as_json: Json = False,
) -> None:
    """Answer what a reviewer asked."""
    run = session(ctx, as_json)
    with run.client() as client:
        _shown(run, client.answer_item(item, words))


def _shown(run: Any, told: dict[str, Any]) -> None:
    if run.json:
        show(run, told, "admission")
        return
    console = Console(highlight=False)
    entity = told["entity"] or {}
    head = {"account": told["account"]["name"], "status": told["account"]["status"],
            "entity": entity.get("legal_name"), "opens": entity.get("opens")}  # fmt: skip
    lists = {name: told[name] for name in ("documents", "letters", "ends")}
    show(run, {**head, **lists}, "admission")
    _lacks(console, "account", entity.get("lacks", []))
    for one in told["senders"]:
        for purpose, opened in one["purposes"].items():
            _lacks(console, f"{one['legal_name']}, {purpose}", opened["lacks"])
    for item in told["items"]:
        about = f"{item['id']} {item['kind']} {item['about']}: {item['state']}"
        console.print(f"{about}, due {item['due_at']}", markup=False)
        for word in item["thread"]:
            said = " ".join(filter(None, (word.get("zh"), word.get("en"), word["words"])))
            console.print(f"  {word['from']} {word['verb']}: {said}", markup=False)


def _lacks(console: Console, about: str, lacks: list[dict[str, Any]]) -> None:
    for lack in lacks:
        console.print(f"{about}: {lack['zh']} / {lack['en']}", markup=False)
        if lack["mend"]:
            console.print(f"  mend  {lack['mend']}", markup=False)


@sender.command("register")
def register(ctx: typer.Context, file: Words, as_json: Json = False) -> None:
    """Ask to send in the name of an entity, your own or another; tells what is missing."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.register_sender(read_words(file)), "sender")


@sender.command("show")
def show_sender(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Argument(help="Credit code; all if not given.")] = None,
    as_json: Json = False,
) -> None:
    """Tell where senders stand, purpose by purpose."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.senders() if code is None else client.sender(code), "senders")


@document.command("add")
def add_document(  # long: every field of a paper is an option
    ctx: typer.Context,
    kind: Annotated[str, typer.Argument(help="Kind of paper, such as business_licence.")],
    file: Annotated[
        Path | None, typer.Argument(exists=True, dir_okay=False, help="PDF, JPEG, PNG or GIF.")
    ] = None,
    entity: Annotated[str, typer.Option(help="Credit code of whose it is; yours if not.")] = "",
    number: Annotated[str, typer.Option(help="Its number.")] = "",
    holder: Annotated[str, typer.Option(help="The name it shows.")] = "",
    scope: Annotated[list[str] | None, typer.Option(help="What it allows, such as B25.")] = None,
    valid_from: Annotated[str, typer.Option(help="Its first day, like 2026-11-22.")] = "",
    valid_to: Annotated[str, typer.Option(help="Its last day.")] = "",
    in_process: Annotated[
        bool, typer.Option("--in-process", help="It is only applied for: counts as none.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Hand in a paper; a reviewer looks at it."""
    run = session(ctx, as_json)
    words = {"entity": entity, "number": number, "holder": holder, "valid_from": valid_from,
             "valid_to": valid_to}  # fmt: skip
    given = {name: value for name, value in words.items() if value}
    with run.client() as client:
        told = client.add_document(kind, file, scope=scope or (), in_process=in_process, **given)
    show(run, told, "document")


@document.command("list")
def list_documents(
    ctx: typer.Context, cursor: int = 0, limit: int = 100, as_json: Json = False
) -> None:
    """List your papers, newest first."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.documents(cursor, limit), "documents")


@document.command("show")
def show_document(ctx: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Tell where a paper stands and how it was seen."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.document(document_id), "document")


@document.command("file")
def fetch_file(
    ctx: typer.Context,
    document_id: DocumentId,
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Fetch a paper as it was handed in, octet for octet."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.document_file(document_id)
    show(run, write_out(out, told), "document")


@document.command("withdraw")
def withdraw(ctx: typer.Context, document_id: DocumentId, as_json: Json = False) -> None:
    """Take back a paper that nobody decided about yet."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_document(document_id), "document")


@letter.command("add")
def add_letter(
    ctx: typer.Context,
    principal: Annotated[str, typer.Option(help="Credit code of who authorises you.")],
    purpose: Annotated[list[str], typer.Option(help="A purpose; may be repeated.")],
    document: Annotated[str, typer.Option(help="Id of the letter, handed in as their paper.")],
    valid_from: Annotated[str, typer.Option(help="Its first day.")],
    valid_to: Annotated[str, typer.Option(help="Its last day.")],
    signature: Annotated[
        list[str] | None, typer.Option(help="A signature that it allows; any if not given.")
    ] = None,
    via: Annotated[str | None, typer.Option(help="The letter that it passes on.")] = None,
    as_json: Json = False,
) -> None:
    """Hand in an authorisation to send in another entity's name; two links at most."""
    run = session(ctx, as_json)
    words = {"principal": principal, "purposes": purpose, "document": document,
             "valid_from": valid_from, "valid_to": valid_to, "signatures": signature or [],
             "via": via}  # fmt: skip
    with run.client() as client:
        show(run, client.add_letter(words), "letter")


@letter.command("list")
def list_letters(ctx: typer.Context, as_json: Json = False) -> None:
    """List the letters that your entity holds or gave."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.letters(), "letters")


def write_out(out: Path, told: dict[str, Any]) -> dict[str, Any]:
    """Write an answer's octets to a new file. Raises InvalidInput."""
    try:
        with out.open("xb") as file:
            file.write(told["octets"])
    except OSError as error:
        raise InvalidInput(
            "cannot_write", f"{out.name}: {error.strerror}", field="--out", rule="cli: files",
            mend="name a file that is not there yet",
        ) from None  # fmt: skip
    return {"file": str(out), "type": told["type"], "octets": len(told["octets"])}
