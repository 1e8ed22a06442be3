"""review and register: the review desk, for the operator's reviewers and auditors."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.admission import write_out
from assent.cli.console import Json, moment, session, show
from assent.errors import InvalidInput

review = typer.Typer(no_args_is_help=True, help="The review desk: what waits for a person.")
register = typer.Typer(no_args_is_help=True, help="Registers: dated, sourced files.")

ItemId = Annotated[str, typer.Argument(help="Id of the item.")]
DocumentId = Annotated[str, typer.Argument(help="Id of the paper.")]
Code = Annotated[str, typer.Argument(help="Credit code of the entity.")]
By = Annotated[str, typer.Option(help="Name of the person who did it.")]


@review.command("list")
def list_items(
    ctx: typer.Context,
    kind: Annotated[str | None, typer.Option(help="account, sender, document, letter, …")] = None,
    state: Annotated[str | None, typer.Option(help="open, asked or second.")] = None,
    cursor: str = "",
    limit: int = 100,
    as_json: Json = False,
) -> None:
    """List what waits for a decision, most urgent first."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.review_items(kind, state, cursor, limit)
    if not run.json:
        rows = [{**one, "signals": len(one["signals"]),
                 "reasons": " ".join(why["en"] for why in one["reasons"])}
                for one in told["items"]]  # fmt: skip
        told = {**told, "items": rows}
    show(run, told, "review desk")


@review.command("show")
def show_item(ctx: typer.Context, item: ItemId, as_json: Json = False) -> None:
    """Show an item with everything that a reviewer has to see."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.review_item(item), "item")


@review.command("ask")
def ask(
    ctx: typer.Context,
    item: ItemId,
    words: Annotated[str, typer.Argument(help="The question.")],
    as_json: Json = False,
) -> None:
    """Ask the customer something."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.ask_item(item, words), "item")


@review.command("decide")
def decide(
    ctx: typer.Context,
    item: ItemId,
    verdict: Annotated[str, typer.Argument(help="approve or refuse.")],
    code: Annotated[str, typer.Option(help="The ground, a word of docs/front-door.md.")],
    words: Annotated[str, typer.Option(help="What else is said to the customer.")] = "",
    as_json: Json = False,
) -> None:
    """Approve or refuse; where two must agree, the second decides."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decide_item(item, verdict, code, words), "item")


@review.command("see")
def see(
    ctx: typer.Context,
    document: DocumentId,
    way: Annotated[str, typer.Option(help="paper, register or signature.")],
    by: By = "",
    where: Annotated[str, typer.Option(help="Where the original lay.")] = "",
    as_json: Json = False,
) -> None:
    """Keep that the original lay there, or compare with registers, or check its signature."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.see_document(document, way, by=by, where=where), "sight")


@review.command("look-up")
def look_up(
    ctx: typer.Context,
    document: DocumentId,
    url: Annotated[str, typer.Option(help="Address of the page of the register.")],
    at: Annotated[str, typer.Option(help="When, like 2026-11-22T10:00:00+08:00.")],
    showed: Annotated[str, typer.Option(help="What it showed.")],
    result: Annotated[str, typer.Option(help="yes, no or unknown: whether it agrees.")],
    screenshot: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="PNG or PDF.")],
    by: By,
    as_json: Json = False,
) -> None:
    """Keep a look into the register's own pages, with what it showed."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.see_document(
            document, "look_up", at=moment(at, "--at"), screenshot=screenshot.read_bytes(), by=by,
            url=url, showed=showed, result=result,
        )  # fmt: skip
    show(run, told, "sight")


@review.command("call-back")
def call_back(
    ctx: typer.Context,
    document: DocumentId,
    number: Annotated[str, typer.Option(help="The number dialled: one that a register lists.")],
    by: By,
    confirmed: Annotated[bool, typer.Option("--confirmed/--denied", help="What was answered.")],
    showed: Annotated[str, typer.Option(help="Who answered what.")] = "",
    as_json: Json = False,
) -> None:
    """Keep a call to the entity's publicly listed number."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.see_document(
            document, "call_back", confirmed=confirmed, by=by, number=number, showed=showed
        )
    show(run, told, "sight")


@review.command("person")
def person(
    ctx: typer.Context,
    person_id: Annotated[str, typer.Argument(help="Id of the person, as review show tells it.")],
    as_json: Json = False,
) -> None:
    """Show who a person is, unmasked; the look is written down."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.person(person_id), "person")


@review.command("match")
def match(
    ctx: typer.Context,
    person_id: Annotated[str, typer.Argument(help="Id of the person.")],
    result: Annotated[str, typer.Argument(help="yes, no or unknown.")],
    source: Annotated[str, typer.Option(help="Who was asked.")],
    at: Annotated[str, typer.Option(help="When, like 2026-11-22T10:00:00+08:00.")],
    as_json: Json = False,
) -> None:
    """Keep what a real-name check of name, number and telephone said."""
    run = session(ctx, as_json)
    time = moment(at, "--at")
    if time is None:
        raise InvalidInput("bad_time", "no time is given", field="--at", rule="cli: times")
    with run.client() as client:
        show(run, client.match_person(person_id, result, source=source, at=time), "person")


@review.command("graph")
def graph(ctx: typer.Context, code: Code, as_json: Json = False) -> None:
    """Show what an entity has in common with others, and over which paths."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.graph(code), "graph")


@review.command("entity")
def order_entity(
    ctx: typer.Context,
    code: Code,
    action: Annotated[str, typer.Argument(help="suspend, revoke or restore.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    as_json: Json = False,
) -> None:
    """Suspend, revoke or restore an entity; everything that depends on it follows."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.order_entity(code, action, reason), "entity")


@review.command("export")
def export(
    ctx: typer.Context,
    code: Code,
    out: Annotated[Path, typer.Option(help="Where to write it; nothing is overwritten.")],
    as_json: Json = False,
) -> None:
    """Write everything about an entity as one archive. For auditors."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.export_entity(code)
    show(run, write_out(out, told), "export")


@register.command("import")
def import_register(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV, XLSX or JSON.")],
    kind: Annotated[str, typer.Option(help="business, telecom, icp, finance or trademark.")],
    source: Annotated[str, typer.Option(help="Who published it, and where.")],
    dated: Annotated[str, typer.Option(help="Of what day it is, like 2026-11-22.")],
    as_json: Json = False,
) -> None:
    """Import a register; every row that cannot be used is told."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.import_register(file, kind=kind, source=source, dated=dated), "register")


@register.command("list")
def list_registers(ctx: typer.Context, as_json: Json = False) -> None:
    """List the files that were imported."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.registers(), "registers")


@register.command("look")
def look(
    ctx: typer.Context,
    code: Annotated[str, typer.Argument(help="Credit code.")] = "",
    number: Annotated[str, typer.Option(help="Number of a licence, filing or mark.")] = "",
    as_json: Json = False,
) -> None:
    """Tell what the newest files say of a credit code or number; no data is unknown."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.look_in_registers(code, number), "registers")
