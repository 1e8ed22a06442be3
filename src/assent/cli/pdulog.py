"""pdulog: PDUs of links as they pass, masked; the key needs the scope links."""

from __future__ import annotations

import re
import sys
import time
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from assent.cli.console import Json, print_json, session, show
from assent.cli.pdu import visible
from assent.errors import InvalidInput

pdulog = typer.Typer(no_args_is_help=True, help="PDUs of links as they pass, masked.")

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600}
_POLL_S: Final = 0.5


@pdulog.command("on")
def on(
    ctx: typer.Context,
    link: Annotated[str, typer.Option(help="Name of a link, a carrier, or a customer's login.")],
    number: Annotated[
        str | None,
        typer.Option(help="Only PDUs about this phone number, and their answers; - reads it."),
    ] = None,
    for_: Annotated[
        str, typer.Option("--for", help="How long: 30s, 10m, 2h; 24h at most.")
    ] = "10m",
    most: Annotated[int, typer.Option(help="PDUs after which it ends, 1 to 100000.")] = 10_000,
    as_json: Json = False,
) -> None:
    """Show the PDUs of a link from now on, for a while. What was seen before is forgotten."""
    run = session(ctx, as_json)
    seconds = _seconds(for_)
    if number == "-":  # so that no list of processes shows it
        number = sys.stdin.readline().strip()
    with run.client() as client:
        show(run, client.pdu_log_on(link, number=number, seconds=seconds, most=most), "PDU log")


@pdulog.command("off")
def off(ctx: typer.Context, as_json: Json = False) -> None:
    """End it. What was seen can be shown for a day."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.pdu_log_off(), "PDU log")


@pdulog.command("show")
def show_log(
    ctx: typer.Context,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on with what passes, until the log ends.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a PDU and nothing else.")
    ] = False,
) -> None:
    """Print what was seen: people's numbers masked, texts as length and digest."""
    run = session(ctx, as_json)
    console = Console(highlight=False)
    cursor = 0
    with run.client() as client:
        while True:
            page = client.pdu_log(cursor)
            for item in page["items"]:
                if run.json:
                    print_json(item)
                else:
                    console.print(_line(item), markup=False, soft_wrap=True)
            cursor = page["cursor"]
            if page["more"]:
                continue
            if not (follow and page["on"]):
                break
            time.sleep(_POLL_S)
    if not run.json:
        told = {key: page.get(key) for key in ("on", "link", "until", "seen", "most", "dropped")}
        show(run, told, "PDU log")


def _line(item: dict[str, Any]) -> str:
    arrow = "→" if item["direction"] == "out" else "←"
    sequence = item["sequence"]
    shown = " ".join(map(str, sequence)) if isinstance(sequence, list) else sequence
    fields = " ".join(
        f"{name}={value}" + (f" ({meaning})" if meaning else "")
        for name, value, meaning in item["fields"]
        if value not in ("", 0)
    )
    parts = [item["at"], item["link"], arrow, item["command"], f"#{shown}", fields]
    if item["segment"]:
        reference, total, place = item["segment"]
        parts.append(f"segment {place} of {total}, reference {reference}")
    if item["text"] is not None:
        parts.append(f"text {item['text']}")
    if item["fault"]:
        parts.append(f"BAD at octet {item['fault']['at']}: {item['fault']['why']}")
    return visible(" ".join(parts)).replace("\n", "\\n")


def _seconds(text: str) -> float:
    found = re.fullmatch(r"(\d{1,6})([smh])", text)
    seconds = int(found[1]) * _SECONDS[found[2]] if found else 0
    if not 0 < seconds <= 86_400:
        raise InvalidInput(
            "bad_duration", "not a time of up to a day", field="--for", rule="cli: options",
            mend="write it like 30s, 10m or 2h",
        )  # fmt: skip
    return float(seconds)
