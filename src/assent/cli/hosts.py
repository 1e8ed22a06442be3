"""hosts: what a host looks like, and files of host age and filing. Works here, without a server."""

from __future__ import annotations

import csv
import io
import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from assent.cli.check import today
from assent.cli.console import EXIT_INVALID, Json, print_json, session
from assent.cli.kept import place as sessions
from assent.cli.pdu import visible
from assent.clock import clock_from_environment
from assent.errors import InvalidInput
from assent.screen.finding import Sender, Severity
from assent.screen.hosts import HostFacts, Hosts, read_facts
from assent.screen.links import Link, Plain, find_links, host_of

hosts = typer.Typer(no_args_is_help=True, help="Look at hosts of links, offline.")

_MOST: Final = 100_000_000
_COLUMNS: Final = ("host", "registered", "filed", "source")


@hosts.command()
def check(
    ctx: typer.Context,
    hosts_: Annotated[list[str], typer.Argument(metavar="HOST...", help="Hosts or links; - reads "
                                                "them from standard input, one a line.")],
    filed: Annotated[list[str] | None, typer.Option(
        help="A host that is filed for the sender; may be given many times.")] = None,
    as_json: Json = False,
) -> None:  # fmt: skip
    """What hosts look like: official, like an official one, hidden.

    The verdict is allow, hold or reject, as for a text that leads there. Ends with code 3 when one
    is rejected. What is not known of a host's age and filing comes from `assent hosts import`.
    """
    session(ctx, as_json)
    own = frozenset(one for one in (host_of(x.strip()) for x in filed or ()) if one)
    facts = kept_facts()
    day = today(clock_from_environment())
    judge, found = Hosts.packaged(), []
    for given in _given(hosts_):
        link = _link(given)
        findings = judge.judge([link], Sender(hosts=own), facts, day)
        worst = max((f.severity for f in findings), default=Severity.NOTE)
        owner = judge.registry.owner(link.host)
        found.append({
            "given": given, "host": link.host, "url": link.url, "official": owner,
            "verdict": _VERDICTS[worst],
            "findings": [
                {"code": f.code, "severity": f.severity.name.lower(), "en": f.en, "zh": f.zh}
                for f in findings
            ],
        })  # fmt: skip
    if as_json:
        print_json({"hosts": found, "register": judge.registry.version, "digest": judge.digest})
    else:
        for one in found:
            _show(one)
    if any(one["verdict"] == "reject" for one in found):
        raise typer.Exit(EXIT_INVALID)


_VERDICTS: Final = {Severity.NOTE: "allow", Severity.HOLD: "hold", Severity.REJECT: "reject"}


@hosts.command("import")
def import_facts(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="CSV: host, registered (a day), filed (yes, no).")],
    source: Annotated[str, typer.Option(help="Who says so; the file's name if not given.")] = "",
    as_json: Json = False,
) -> None:
    """Keep what a file says of hosts' age and filing, for `assent hosts check`.

    The whole file or nothing. What it says of a host replaces what was kept of it.
    """
    session(ctx, as_json)
    if file.stat().st_size > _MOST if file.is_file() else True:
        raise InvalidInput(
            "bad_host_file", "there is no such file, or it has more than 100 MB", field="FILE",
            rule="cli: hosts import", mend="give a CSV file with host, registered, filed",
        )  # fmt: skip
    try:
        lines = io.StringIO(file.read_text("utf-8-sig"), newline="")
    except UnicodeDecodeError:
        raise InvalidInput(
            "bad_host_file", "the file is not UTF-8", field="FILE", rule="cli: hosts import",
            mend="save it as CSV in UTF-8",
        ) from None  # fmt: skip
    told = read_facts(lines, source or file.name)
    kept = kept_facts() | told
    _keep(kept)
    if as_json:
        print_json({"imported": len(told), "kept": len(kept)})
    else:
        Console(highlight=False).print(f"{len(told)} hosts imported, {len(kept)} kept")


@hosts.command("list")
def list_facts(
    ctx: typer.Context,
    official: Annotated[bool, typer.Option("--official", help="The packaged register.")] = False,
    as_json: Json = False,
) -> None:
    """List what is kept of hosts' age and filing, or the official hosts of the package."""
    session(ctx, as_json)
    rows: list[dict[str, Any]] = []
    if official:
        for brand in Hosts.packaged().registry.brands.values():
            rows += [{"host": host, "brand": brand.code, "en": brand.en, "zh": brand.zh}
                     for host in brand.hosts]  # fmt: skip
    else:
        for host, fact in sorted(kept_facts().items()):
            day = fact.registered.isoformat() if fact.registered else None
            rows.append({"host": host, "registered": day, "filed": fact.filed,
                         "source": fact.source})  # fmt: skip
    if as_json:
        print_json({"hosts": rows})
        return
    console = Console(highlight=False)
    for row in rows:
        words = "  ".join("unknown" if value is None else str(value) for value in row.values())
        console.print(visible(words), markup=False, soft_wrap=True)


def place() -> Path:
    """Return the file in which imported facts are kept."""
    return sessions().with_name("hosts.csv")


def kept_facts() -> dict[str, HostFacts]:
    """Return what was imported here."""
    try:
        rows = list(csv.DictReader(io.StringIO(place().read_text("utf-8"), newline="")))
    except (OSError, UnicodeDecodeError):
        return {}
    found: dict[str, HostFacts] = {}
    for row in rows:
        one = f"host,registered,filed\n{row['host']},{row['registered']},{row['filed']}\n"
        found |= read_facts(one.splitlines(), row["source"])
    return found


def _keep(facts: dict[str, HostFacts]) -> None:
    """Write the file anew: whole, or not at all."""
    path = place()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".hosts-", dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(_COLUMNS)
        for host, fact in sorted(facts.items()):
            day = fact.registered.isoformat() if fact.registered else ""
            filed = {True: "yes", False: "no", None: ""}[fact.filed]
            rows.writerow((host, day, filed, fact.source))
    Path(name).replace(path)


def _given(hosts_: list[str]) -> list[str]:
    """Return what is to be checked, from standard input for `-`."""
    given = [line.strip() for line in sys.stdin] if hosts_ == ["-"] else hosts_
    return [one for one in given if one]


def _link(given: str) -> Link:
    """Return a host or link as a link. Raises InvalidInput for what is neither."""
    text = given if "//" in given else f"http://{given}"
    found = find_links(Plain(text))
    if len(found) == 1 and found[0].span[0] == 0:
        return found[0]
    raise InvalidInput(
        "bad_host", f"this is no host: {given[:80]!r}", field="HOST", rule="cli: hosts check",
        mend="give a host such as shop.example.cn, or a link",
    )  # fmt: skip


def _show(one: dict[str, Any]) -> None:
    """Print a host and what was found of it."""
    console = Console(highlight=False)
    home = f" (official: {one['official']})" if one["official"] else ""
    console.print(visible(f"{one['verdict']}: {one['host']}{home}"), markup=False, soft_wrap=True)
    for f in one["findings"]:
        words = f"  {f['severity']} {f['code']}: {f['en']} / {f['zh']}"
        console.print(visible(words), markup=False, soft_wrap=True)
