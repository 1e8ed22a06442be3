"""groups, fingerprints: senders that act together, and what platforms tell each other of texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.console import Json, session, show
from assent.errors import InvalidInput

groups = typer.Typer(no_args_is_help=True, help="Senders that act together; for reviewers.")
fingerprints = typer.Typer(
    no_args_is_help=True, help="What platforms tell each other of texts; for administrators."
)

File = Annotated[Path, typer.Argument(help="The file.", dir_okay=False)]
Cursor = Annotated[str, typer.Option(help="Where to go on.")]


@groups.command("list")
def list_groups(
    ctx: typer.Context,
    state: Annotated[
        str | None, typer.Option(help="Only those that are open, lawful or harmful.")
    ] = None,
    cursor: Cursor = "0",
    as_json: Json = False,
) -> None:
    """List groups, newest first. What is decided of one is told the review desk."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.groups(state, cursor), "groups")


@groups.command("show")
def show_group(
    ctx: typer.Context,
    group: Annotated[int, typer.Argument(help="Id of the group.")],
    as_json: Json = False,
) -> None:
    """Show who acts together and what they share."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.group(group), "group")


@fingerprints.command("export")
def export(
    ctx: typer.Context,
    file: File,
    days: Annotated[int, typer.Option(help="How far back.")] = 90,
    least: Annotated[int, typer.Option(help="Accounts that used a text at least; 3 or more.")] = 3,
    category: Annotated[str | None, typer.Option(help="Only texts of this category.")] = None,
    as_json: Json = False,
) -> None:
    """Write a signed file of texts that many accounts used or that were turned down: signatures,
    no texts. A file that is there stays as it is."""
    run = session(ctx, as_json)
    if file.exists():
        raise InvalidInput(
            "file_exists", f"{file} is there already", field="FILE", rule="cli: files",
            mend="name another file",
        )  # fmt: skip
    with run.client() as client:
        told = dict(client.export_fingerprints(days=days, least=least, category=category))
    with file.open("x", encoding="utf-8", newline="") as out:
        out.write(told.pop("file"))
    show(run, {**told, "file": str(file)}, "fingerprints")


@fingerprints.command("import")
def import_file(ctx: typer.Context, file: File, as_json: Json = False) -> None:
    """Take a file of a platform whose key was entered."""
    run = session(ctx, as_json)
    try:
        text = file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError):
        raise InvalidInput(
            "bad_file", f"{file} cannot be read as a text", field="FILE", rule="cli: files",
            mend="name the file as it came",
        ) from None  # fmt: skip
    with run.client() as client:
        show(run, client.import_fingerprints(text), "fingerprints")


@fingerprints.command("sources")
def sources(ctx: typer.Context, cursor: Cursor = "0", as_json: Json = False) -> None:
    """List the files that were taken, and how many of our texts they tell of."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.fingerprint_sources(cursor), "sources")


@fingerprints.command("withdraw")
def withdraw(
    ctx: typer.Context,
    source: Annotated[int, typer.Argument(help="Id of the file, from sources.")],
    reason: Annotated[str, typer.Option(help="Why, in words.")],
    as_json: Json = False,
) -> None:
    """Have a file say nothing any more."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.withdraw_fingerprints(source, reason=reason), "withdrawn")


@fingerprints.command("peers")
def peers(ctx: typer.Context, as_json: Json = False) -> None:
    """Show our key, to be given to others, and the platforms whose files are taken."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.fingerprint_peers(), "peers")


@fingerprints.command("trust")
def trust(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="The platform's key, as its peers command shows it.")],
    as_json: Json = False,
) -> None:
    """Take files of a platform from now on."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.trust_fingerprints(key), "peer")


@fingerprints.command("distrust")
def distrust(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The platform's name.")],
    as_json: Json = False,
) -> None:
    """Take no more files of a platform; what was taken stays until it is withdrawn."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.distrust_fingerprints(name), "peer")
