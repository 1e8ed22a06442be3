"""links: what the operator sees of links and orders of them; the key needs the scope links."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assent.cli.console import Json, print_json, session, show

links = typer.Typer(no_args_is_help=True, help="Links to carriers: see and steer them.")

Name = Annotated[str, typer.Argument(help="Name of a link, or of a carrier for all its links.")]


@links.command("list")
def list_links(ctx: typer.Context, as_json: Json = False) -> None:
    """List the links, what is ordered of them and how they are."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.links()
    if run.json:
        print_json(answer)
        return
    table = Table(
        "link", "carrier", "dialect", "order", "connections", "in flight", "submitted", "throttled",
        "refused", "mean answer", title="links", title_justify="left",
    )  # fmt: skip
    for link in answer["links"]:
        table.add_row(*(escape(cell) for cell in _row(link)))
    console = Console(highlight=False)
    console.print(table)
    for process in answer["processes"]:
        if process["settings_fault"] or process["settings"] != answer["settings"]:
            why = process["settings_fault"] or "not yet"
            role = process["role"]
            console.print(f"the {role} process follows other settings: {why}", markup=False)


def _row(link: dict[str, Any]) -> list[str]:
    every = link["connections"]
    answers = sum(sum(one["answer_time"]["counts"]) for one in every)
    seconds = sum(one["answer_time"]["sum"] for one in every)
    refused = sum(count for one in every for count in one["refused"].values())
    return [
        link["name"],
        link["carrier"],
        link["dialect"],
        link["order"] or "-",
        ", ".join(f"{count} {state}" for state, count in link["states"].items()) or "-",
        str(sum(one["in_flight"] for one in every)),
        str(sum(one["submitted"] for one in every)),
        str(sum(one["throttled"] for one in every)),
        str(refused),
        f"{seconds / answers * 1000:.0f} ms" if answers else "-",
    ]


@links.command("pause")
def pause(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Keep a link bound, but send nothing over it; reports and replies go on."""
    _steer(ctx, name, "pause", as_json)


@links.command("resume")
def resume(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Take back a pause or a drain."""
    _steer(ctx, name, "resume", as_json)


@links.command("drain")
def drain(ctx: typer.Context, name: Name, as_json: Json = False) -> None:
    """Let what is written be answered, unbind, and stay down until it is resumed."""
    _steer(ctx, name, "drain", as_json)


def _steer(ctx: typer.Context, name: str, action: str, as_json: bool) -> None:
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.steer_link(name, action), action)


@links.command("reload")
def reload_links(ctx: typer.Context, as_json: Json = False) -> None:
    """Put in force what the server's settings file says of carriers now."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.reload_links(), "reload")
