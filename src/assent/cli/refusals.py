"""refusal add and refusal telephone: one person at a counter, on the telephone, at a desk."""

from __future__ import annotations

from typing import Annotated

import typer

from assent.cli.console import Json, session, show
from assent.cli.sending import Key, Sender

Number = Annotated[str, typer.Argument(help="The receiver's number.")]
Purposes = Annotated[
    list[str] | None,
    typer.Option("--purpose", help="What is refused; marketing and internal if not given."),
]


def add(
    ctx: typer.Context,
    number: Number,
    sender: Sender,
    channel: Annotated[str, typer.Option(help="counter, voice, web, mail, paper or api.")],
    source: Annotated[str, typer.Option(help="Where it was told, in words.")] = "",
    purpose: Purposes = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Record the refusal of one person who told the sender."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.refuse(
            [number], sender=sender, source=source or channel, channel=channel, purposes=purpose,
            key=key,
        )  # fmt: skip
    show(run, answer, "refusals")


def telephone(
    ctx: typer.Context,
    number: Number,
    sender: Annotated[
        str | None, typer.Option(help="Credit code of the sender that is refused.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="Every sender is refused.")] = False,
    programme: Annotated[
        str | None, typer.Option(help="The only programme of the sender that is refused.")
    ] = None,
    purpose: Purposes = None,
    as_json: Json = False,
) -> None:
    """Record what a receiver told the operator's staff on the telephone."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.refuse_by_telephone(
            number, sender=sender, everybody=everybody, programme=programme, purposes=purpose
        )
    show(run, answer, "refusal")
