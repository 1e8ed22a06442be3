"""send, status, receipts, replies, balance."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from assent.cli.console import EXIT_NOBODY, Json, moment, pairs, session, show
from assent.cli.videos import video_id

status = typer.Typer(no_args_is_help=True, help="Where a message or an order stands.")

Sender = Annotated[str, typer.Option(help="Credit code of the sender.")]
Text = Annotated[str | None, typer.Option(help="The text; {name} where a variable goes.")]
Template = Annotated[str | None, typer.Option(help="Name of a template, in place of a text.")]
Port = Annotated[str | None, typer.Option(help="Port to send from.")]
Programme = Annotated[str | None, typer.Option(help="Programme that the receivers agreed to.")]
Relation = Annotated[
    str | None,
    typer.Option(help="How they stand to the sender: customers, members or cold."),
]
NotBefore = Annotated[str | None, typer.Option(help="Earliest time, with zone.")]
ExpiresAt = Annotated[str | None, typer.Option(help="Latest time, with zone.")]
Key = Annotated[
    str | None, typer.Option(help="Idempotency key: with the same one it is done once.")
]
Cursor = Annotated[int, typer.Option(help="Begin after this cursor.")]
Limit = Annotated[int, typer.Option(help="Items at once, 1 to 1000.")]
All = Annotated[bool, typer.Option("--all", help="Go on until there is nothing more.")]


def send(
    ctx: typer.Context,
    sender: Sender,
    purpose: Annotated[
        str, typer.Option(help="verification, notification, marketing or internal.")
    ],
    to: Annotated[list[str], typer.Option(help="A receiver's number; may be given many times.")],
    text: Text = None,
    template: Template = None,
    video: Annotated[
        str | None, typer.Option(help="Directory of frames, or id of a video, in place of a text.")
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Subject of a directory's video.")] = None,
    basis: Annotated[str | None, typer.Option(help="Why a notification needs no consent.")] = None,
    var: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE of a variable, for all receivers.")
    ] = None,
    port: Port = None,
    programme: Programme = None,
    relation: Relation = None,
    not_before: NotBefore = None,
    expires_at: ExpiresAt = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only tell what would happen.")
    ] = False,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Send one text, template or video to one or many receivers."""
    # long: its options are the order's fields.
    run = session(ctx, as_json)
    variables = pairs(var, "--var")
    order: dict[str, Any] = {
        "sender": sender,
        "purpose": purpose,
        "messages": [{"to": one, "variables": variables} for one in to],
        "text": text,
        "template": template,
        "port": port,
        "programme": programme,
        "relation": relation,
        "not_before": moment(not_before, "--not-before"),
        "expires_at": moment(expires_at, "--expires-at"),
    }
    with run.client() as client:
        if video is not None:
            order["video"] = video_id(client, video, sender, purpose, subject, basis)
        answer = client.dry_run(**order) if dry_run else client.send(**order, key=key)
    show(run, answer, "dry run" if dry_run else "order")
    if not answer["allowed"]:
        raise typer.Exit(EXIT_NOBODY)


@status.command("message")
def status_message(
    ctx: typer.Context,
    message_id: Annotated[str, typer.Argument(help="Id of the message.")],
    as_json: Json = False,
) -> None:
    """Tell where a message stands."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.message(message_id), "message")


@status.command("order")
def status_order(
    ctx: typer.Context,
    order_id: Annotated[str, typer.Argument(help="Id of the order.")],
    as_json: Json = False,
) -> None:
    """Tell where the messages of an order stand."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.order(order_id), "order")


def receipts(
    ctx: typer.Context,
    cursor: Cursor = 0,
    limit: Limit = 1000,
    all_: All = False,
    as_json: Json = False,
) -> None:
    """List receipts: states that messages reached."""
    _feed(ctx, "receipts", cursor, limit, all_, as_json)


def replies(
    ctx: typer.Context,
    cursor: Cursor = 0,
    limit: Limit = 1000,
    all_: All = False,
    as_json: Json = False,
) -> None:
    """List what people wrote back."""
    _feed(ctx, "replies", cursor, limit, all_, as_json)


def _feed(
    ctx: typer.Context, kind: str, cursor: int, limit: int, to_the_end: bool, as_json: bool
) -> None:
    run = session(ctx, as_json)
    items: list[Any] = []
    with run.client() as client:
        read = client.receipts if kind == "receipts" else client.replies
        page = read(cursor, limit)
        items += page["items"]
        while to_the_end and page["more"]:
            page = read(page["cursor"], limit)
            items += page["items"]
    show(run, {"cursor": page["cursor"], "more": page["more"], "items": items}, kind)


def balance(ctx: typer.Context, as_json: Json = False) -> None:
    """Tell what may be spent, in micro-yuan."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.balance(), "balance")
