"""signature, template, host, member: what a sender signs with, what it says, where its links lead,
and whom an organisation asks."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.console import Json, session, show
from assent.cli.ports import Reason, Sender, body_of

signature = typer.Typer(no_args_is_help=True, help="Signatures: hand in, list, take back.")
template = typer.Typer(no_args_is_help=True, help="Templates: hand in versions, list, take back.")
host = typer.Typer(no_args_is_help=True, help="Hosts that links in texts may lead to.")
member = typer.Typer(no_args_is_help=True, help="Members of an organisation.")

Id = Annotated[str, typer.Argument(metavar="ID", help="As `list` tells it.")]


@signature.command("list")
def list_signatures(ctx: typer.Context, as_json: Json = False) -> None:
    """List signatures and until when each is in force."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.signatures(), "signatures")


@signature.command("submit")
def submit_signature(
    ctx: typer.Context,
    words: Annotated[str, typer.Argument(help="The name, with or without 【】.")],
    sender: Sender,
    source: Annotated[str, typer.Option(help="full_name, short_name, trade_mark or app.")],
    document: Annotated[
        str | None, typer.Option(help="Id of the paper that proves a mark or an app.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand a signature in, for the first time or after it lapsed."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.submit_signature(
            sender=sender, words=words, source=source, document=document
        )
        show(run, answer, "signature")


@signature.command("withdraw")
def withdraw_signature(
    ctx: typer.Context, id_: Id, reason: Reason = "", as_json: Json = False
) -> None:
    """Take a signature back: nothing more leaves with it."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_signature(id_, reason), "signature")


@template.command("list")
def list_templates(
    ctx: typer.Context,
    sender: Annotated[str | None, typer.Option("--sender", help="Credit code.")] = None,
    as_json: Json = False,
) -> None:
    """List templates, version by version."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.templates(sender), "templates")


@template.command("submit")
def submit_template(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Its name; of one that there is: a new version.")],
    sender: Sender,
    purpose: Annotated[str, typer.Option(help="verification, notification, marketing, internal.")],
    body: Annotated[
        str | None, typer.Option(help="The text, with variables like {code:code}.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="A file with the text.")] = None,
    basis: Annotated[
        str | None, typer.Option(help="Why receivers of codes and notices get them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Hand in a template, or the next version of one."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.submit_template(
            sender=sender, name=name, purpose=purpose, body=body_of(body, file), basis=basis
        )
        show(run, answer, "template")


@template.command("withdraw")
def withdraw_template(
    ctx: typer.Context, id_: Id, reason: Reason = "", as_json: Json = False
) -> None:
    """Take a version back: nothing more leaves by it."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_template(id_, reason), "template")


@host.command("list")
def list_hosts(ctx: typer.Context, as_json: Json = False) -> None:
    """List the hosts that links may lead to."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.hosts(), "hosts")


@host.command("submit")
def submit_host(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Such as shop.example.cn.")],
    sender: Sender,
    as_json: Json = False,
) -> None:
    """Hand a host in."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.submit_host(sender=sender, host=name), "host")


@host.command("withdraw")
def withdraw_host(ctx: typer.Context, id_: Id, reason: Reason = "", as_json: Json = False) -> None:
    """Take a host back: no link may lead there any more."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_host(id_, reason), "host")


@member.command("list")
def list_members(ctx: typer.Context, as_json: Json = False) -> None:
    """Tell how many people were asked, and how many ever agreed."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.members(), "members")


@member.command("invite")
def invite(
    ctx: typer.Context,
    sender: Sender,
    to: Annotated[list[str], typer.Option("--to", help="A number; may be given many times.")],
    programme: Annotated[str | None, typer.Option(help="If there are several.")] = None,
    as_json: Json = False,
) -> None:
    """Ask people whether they are members; nobody is asked twice in a month."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.invite_members(to, sender=sender, programme=programme), "invited")
