"""number, port, signature, template, member, switch: what an account's office does about what it
sends from and with, and what staff do about it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from assent.cli.console import Json, moment, session, show
from assent.errors import InvalidInput

number = typer.Typer(no_args_is_help=True, help="Code numbers that the operator holds.")
port = typer.Typer(no_args_is_help=True, help="Ports: apply for them, follow and steer them.")


class _Classes(TyperGroup):
    """`assent switch finance` is `assent switch off finance`: in a hurry one word less."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["off", *args]
        return super().parse_args(ctx, args)


switch = typer.Typer(
    cls=_Classes,
    no_args_is_help=True,
    help="Switch classes of traffic off and on; for administrators.",
)

Digits = Annotated[str, typer.Argument(help="The number, digits only.")]
Sender = Annotated[str, typer.Option("--sender", help="Credit code of the sender.")]
Carriers = Annotated[
    list[str] | None, typer.Option("--carrier", help="A carrier; may be given many times.")
]
Reason = Annotated[str, typer.Option("--reason", help="Why, in words.")]


@number.command("list")
def list_numbers(ctx: typer.Context, as_json: Json = False) -> None:
    """List the code numbers that extensions are given out of."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.numbers(), "code numbers")


@number.command("enter")
def enter_number(
    ctx: typer.Context,
    digits: Digits,
    carriers: Carriers = None,
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", help="Extensions LOW-HIGH, - for the number itself."),
    ] = None,
    scope: Annotated[str | None, typer.Option(help="Provinces, if not national.")] = None,
    purposes: Annotated[
        list[str] | None, typer.Option("--purpose", help="What its certificate allows.")
    ] = None,
    certificate: Annotated[str | None, typer.Option(help="Id of the operator's paper.")] = None,
    paid_replies: Annotated[
        bool, typer.Option("--paid-replies", help="Receivers pay for replies to it.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Enter a code number, or change what is given out of it."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.enter_number(
            digits, carriers=carriers, ranges=ranges, scope=scope, purposes=purposes,
            certificate=certificate, free_to_reply=not paid_replies,
        )  # fmt: skip
        show(run, answer, "code number")


@number.command("close")
def close_number(ctx: typer.Context, digits: Digits, as_json: Json = False) -> None:
    """Give nothing more out of a code number; its ports stay."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.enter_number(digits, closed=True), "code number")


@port.command("list")
def list_ports(ctx: typer.Context, as_json: Json = False) -> None:
    """List ports and applications."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.ports(), "ports")


@port.command("show")
def show_port(ctx: typer.Context, digits: Digits, as_json: Json = False) -> None:
    """Tell where a port stands on each carrier, and what happened to it."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.port(digits)
    if run.json:
        show(run, answer, "port")
        return
    for item in answer["items"]:
        for carrier in item["carriers"]:
            history = carrier.pop("history", [])
            shown = {k: v for k, v in item.items() if k != "carriers"} | carrier
            show(run, {**shown, "history": history}, "port")


@port.command("apply")
def apply_for_port(
    ctx: typer.Context,
    digits: Digits,
    sender: Sender,
    purpose: Annotated[
        str, typer.Option(help="verification, notification, marketing or internal; for ever.")
    ],
    signature: Annotated[str, typer.Option(help="One of the sender's, without 【】.")],
    extension: Annotated[str | None, typer.Option(help="The first free one if not given.")] = None,
    carriers: Carriers = None,
    programme: Annotated[str | None, typer.Option(help="What its marketing counts for.")] = None,
    as_json: Json = False,
) -> None:
    """Apply for an extension of a code number."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.apply_for_port(
            sender=sender, number=digits, purpose=purpose, signature=signature,
            extension=extension, carriers=carriers, programme=programme,
        )  # fmt: skip
        show(run, answer, "application")


@port.command("withdraw")
def withdraw_application(
    ctx: typer.Context,
    application: Annotated[str, typer.Argument(help="Id of an application.")],
    as_json: Json = False,
) -> None:
    """Take an application back before it is decided."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_application(application), "application")


@port.command("step")
def step_port(
    ctx: typer.Context,
    digits: Digits,
    step: Annotated[
        str,
        typer.Argument(
            help="pause, resume, revoke; staff also submit, file, turn_down, activate, suspend, "
            "cool, recycle."
        ),
    ],
    carriers: Carriers = None,
    reason: Reason = "",
    on: Annotated[str | None, typer.Option("--on", help="Day it happened: 2026-11-22.")] = None,
    reference: Annotated[str | None, typer.Option(help="The carrier's, of its filing.")] = None,
    service_code: Annotated[str | None, typer.Option(help="The carrier's for this port.")] = None,
    as_json: Json = False,
) -> None:
    """Take a step in a port's life, on all of its carriers or some."""
    run = session(ctx, as_json)
    with run.client() as client:
        client.step_port(
            digits, step, carriers=carriers, reason=reason, on=_day(on), reference=reference,
            service_code=service_code,
        )  # fmt: skip
    show_port(ctx, digits, as_json)


def _day(word: str | None) -> date | None:
    if word is None:
        return None
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise InvalidInput(
            "bad_day", "not a day", field="--on", rule="cli: times", mend="write it like 2026-11-22"
        ) from None


@port.command("keywords")
def port_keywords(
    ctx: typer.Context,
    digits: Digits,
    words: Annotated[list[str] | None, typer.Argument(help="All keywords of the port.")] = None,
    sender: Annotated[str | None, typer.Option(help="Credit code; needed to file some.")] = None,
    none: Annotated[bool, typer.Option("--none", help="End all of them.")] = False,
    as_json: Json = False,
) -> None:
    """Show what receivers may answer to a port beside refusing, or file other words for it."""
    run = session(ctx, as_json)
    if none and words:
        raise InvalidInput(
            "none_and_some", "--none ends all keywords, and some are given", field="--none",
            rule="cli: options", mend="leave out either",
        )  # fmt: skip
    with run.client() as client:
        if not words and not none:
            show(run, client.port_keywords(digits), "keywords")
            return
        if sender is None:
            raise InvalidInput(
                "missing_option", "filing keywords needs --sender", field="--sender",
                rule="cli: options", mend="name the sender whose port it is",
            )  # fmt: skip
        show(
            run, client.file_port_keywords(digits, sender=sender, keywords=words or []), "keywords"
        )


@switch.command("list")
def list_switches(ctx: typer.Context, as_json: Json = False) -> None:
    """List what is and was switched off."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.switches(), "switches")


@switch.command("off")
def switch_off(
    ctx: typer.Context,
    industries: Annotated[list[str] | None, typer.Argument(help="Industries; none: all.")] = None,
    purposes: Annotated[
        list[str] | None, typer.Option("--purpose", help="A purpose; none: all.")
    ] = None,
    except_: Annotated[
        str | None, typer.Option("--except", help="licensed: who holds the licence goes on.")
    ] = None,
    reason: Reason = "",
    until: Annotated[str | None, typer.Option(help="When it ends by itself.")] = None,
    as_json: Json = False,
) -> None:
    """Switch a class of traffic off for everybody, at once."""
    run = session(ctx, as_json)
    if except_ not in (None, "licensed"):
        raise InvalidInput(
            "bad_except", "nobody can be excepted but the licensed", field="--except",
            rule="cli: options", mend="write --except licensed, or leave it out",
        )  # fmt: skip
    with run.client() as client:
        answer = client.stop_class(
            industries=industries, purposes=purposes, except_licensed=except_ == "licensed",
            reason=reason, until=moment(until, "--until"),
        )  # fmt: skip
        show(run, answer, "switched off")


@switch.command("on")
def switch_on(
    ctx: typer.Context,
    id_: Annotated[str, typer.Argument(metavar="ID", help="As `switch list` tells it.")],
    reason: Reason = "",
    as_json: Json = False,
) -> None:
    """Switch a class on again."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lift_class(id_, reason), "switched on")


def body_of(body: str | None, file: Path | None) -> str:
    """Return a template's text, given as it is or as a file. Raises InvalidInput."""
    if (body is None) is (file is None):
        raise InvalidInput(
            "body_or_file", "give exactly one of --body and --file", field="--body",
            rule="cli: options", mend="write the text, or name a file that holds it",
        )  # fmt: skip
    if file is None:
        return body or ""
    try:
        return file.read_text("utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            "bad_file", f"{file}: {error}", field="--file", mend="name a readable UTF-8 file"
        ) from None
