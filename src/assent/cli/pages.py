"""pages: what reviewers see of pages behind links. links fetch: a look without a server."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assent.cli.console import Json, print_json, session, show
from assent.errors import InvalidInput
from assent.fetch.fetcher import COMMAND, Fetcher
from assent.flow.page_matter import look_told
from assent.screen.finding import Finding
from assent.screen.page_findings import judge_looks
from assent.screen.page_look import PROFILES, Look

pages = typer.Typer(no_args_is_help=True, help="Pages behind links: what they show, and showed.")

Page = Annotated[int, typer.Argument(help="Id of a page.", min=1)]
FETCHED_NOTHING: Final = 6


@pages.command("list")
def list_pages(
    ctx: typer.Context,
    state: Annotated[str | None, typer.Option(help="new, clear, held or stopped.")] = None,
    cursor: Annotated[int, typer.Option(min=0, help="After this id.")] = 0,
    as_json: Json = False,
) -> None:
    """List pages that texts lead to, and where they stand."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.pages(state, cursor)
    if run.json:
        print_json(answer)
        return
    table = Table("id", "state", "last look", "looked at", "uses", "link", "findings")
    for one in answer["items"]:
        findings = ", ".join(found["code"] for found in one["findings"]) or "-"
        uses = f"{one['campaigns']} campaigns, {one['templates']} templates"
        last = f"{one['outcome']} {one['why']}".strip()
        cells = [
            str(one["id"]),
            one["state"],
            last,
            one["looked_at"] or "-",
            uses,
            one["url"],
            findings,
        ]
        table.add_row(*(escape(cell) for cell in cells))
    console = Console(highlight=False)
    console.print(table)
    if not answer["fetching"]:
        console.print("nobody looks behind links here: pages.fetching is off, so all are unknown")


@pages.command("show")
def show_page(ctx: typer.Context, page: Page, as_json: Json = False) -> None:
    """Show a page: what leads there, what was seen, its versions."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.page(page), "page")


@pages.command("fetch")
def fetch_page(ctx: typer.Context, page: Page, as_json: Json = False) -> None:
    """Have a page looked at as soon as there is room."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.fetch_page(page), "page")


def fetch_link(
    ctx: typer.Context,
    url: Annotated[str, typer.Argument(help="The link to look behind.")],
    profile: Annotated[
        list[str] | None, typer.Option(help="phone, desktop or plain; all when not said.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Look behind a link from this machine, without a server: its chain and what is found."""
    run = session(ctx, as_json)
    profiles = profile or list(PROFILES)
    wrong = [one for one in profiles if one not in PROFILES]
    if wrong:
        raise InvalidInput(
            "bad_profile", f"there is no profile {wrong[0]}", field="--profile",
            mend=f"use {', '.join(PROFILES)}",
        )  # fmt: skip
    looks = asyncio.run(_looks(url, profiles))
    found = judge_looks(looks)
    if run.json:
        print_json(
            {"url": url, "looks": [_told(one) for one in looks], "findings": _findings(found)}
        )
    else:
        _print(looks, found)
    if not any(look.answered for look in looks):
        raise typer.Exit(FETCHED_NOTHING)


async def _looks(url: str, profiles: Sequence[str]) -> list[Look]:
    fetcher = Fetcher(COMMAND)
    try:
        return await asyncio.gather(*(fetcher.fetch(url, one) for one in profiles))
    finally:
        await fetcher.close()


def _told(look: Look) -> dict[str, Any]:
    return {"profile": look.profile, "seconds": look.took_s, **look_told(look)}


def _findings(found: Sequence[Finding]) -> list[Mapping[str, str]]:
    return [
        {"code": one.code, "severity": one.severity.name.lower(), "en": one.en, "zh": one.zh}
        for one in found
    ]


def _print(looks: Sequence[Look], found: Sequence[Finding]) -> None:
    console = Console(highlight=False)
    for look in looks:
        console.print(f"{look.profile}: {look.outcome} {look.why}".strip(), markup=False)
        for hop in look.hops:
            console.print(
                f"  {hop.how:8} {hop.status or '-':>3} {hop.url} {hop.address}", markup=False
            )
        if look.page is not None:
            console.print(f"  title    {look.page.title}", markup=False)
            asks = ", ".join(sorted(look.page.asks)) or "nothing"
            console.print(f"  asks for {asks}", markup=False)
    for one in found:
        console.print(f"{one.severity.name.lower():6} {one.code}: {one.en}", markup=False)
