"""`assent examine`: what went from service and internal ports, judged afresh. Beside the platform,
in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from assent.app import settings as app_settings
from assent.app.direct import Config, guarded, opened
from assent.app.screens import loader_of
from assent.app.settings import Settings
from assent.cli.console import moment
from assent.clock import Clock, clock_from_environment
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.examine import Examining, Scope
from assent.flow.examine_bundle import bundle, told
from assent.flow.examine_texts import Judgements
from assent.flow.ledger_key import open_key
from assent.flow.needs import Store, utc
from assent.flow.requests import Caller
from assent.flow.screen_senders import Senders
from assent.flow.screening import Texts
from assent.flow.staff import keep_act
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.numbers import NumberTable
from assent.policy.rulebook import Rulebook

_PERIOD_S: Final = 30 * 86_400.0
_GENTLE: Final = 10


@dataclass(frozen=True, slots=True)
class _Wanted:
    scope: Scope
    out: Path | None
    texts: bool


def examine(
    config: Config = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Since when; 30 days before --to if not given.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until when; now if not given.")] = None,
    purposes: Annotated[
        str, typer.Option(help="Of which ports, with commas between.")
    ] = "internal,notification,verification",
    port: Annotated[list[str] | None, typer.Option(help="Only this port; may be repeated.")] = None,
    account: Annotated[
        list[str] | None, typer.Option(help="Only this account, by name; may be repeated.")
    ] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="Only this sender's; credit code; may be repeated.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="A new file: the archive, for `assent verify`.")
    ] = None,
    texts: Annotated[
        bool, typer.Option(help="With an example of each text; it may name people.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Judge afresh what went from internal and service ports, and list what should not have gone,
    by port and customer. The platform may run. Written down in the record of staff acts. Ends with
    1 when something is listed."""
    # long: a line an option

    def work() -> int:
        clock = clock_from_environment()
        end = moment(until, "--to") or utc(clock.now())
        begin = moment(since, "--from") or utc(end.timestamp() - _PERIOD_S)
        scope = Scope(
            begin,
            end,
            purposes_of(purposes),
            *(tuple(one or ()) for one in (port, sender, account)),
        )
        scope.ids()
        return asyncio.run(_examine(config, clock, _Wanted(scope, out, texts), as_json))

    raise typer.Exit(guarded(work))


def purposes_of(words: str) -> frozenset[Purpose]:
    """Return purposes that are named with commas between. Raises InvalidInput."""
    known = {purpose.name.lower(): purpose for purpose in Purpose if purpose is not Purpose.SYSTEM}
    names = [word.strip() for word in words.split(",") if word.strip()]
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise InvalidInput(
            "unknown_purpose", f"there is no purpose {wrong[0][:40]}" if wrong else "none is named",
            field="--purposes", rule="cli: options", mend=f"use some of {', '.join(known)}",
        )  # fmt: skip
    return frozenset(known[name] for name in names)


async def _examine(config: Path | None, clock: Clock, wanted: _Wanted, as_json: bool) -> int:
    os.nice(_GENTLE)
    settings = app_settings.load(config)
    async with opened(settings, clock) as (store, vault):
        with Console(stderr=True).status("examining") as status:
            found, archive = await examined(
                settings, store, vault, clock, wanted.scope, texts=wanted.texts,
                sealed=wanted.out is not None,
                moved=lambda many: status.update(f"{many} messages"),
            )  # fmt: skip
        if wanted.out is not None:
            written(wanted.out, archive)
    if as_json:
        print(json.dumps(found, ensure_ascii=False))
    else:
        _show(found)
    return 1 if found["found"] else 0


async def examined(
    settings: Settings,
    store: Store,
    vault: Vault,
    clock: Clock,
    scope: Scope,
    *,
    texts: bool,
    sealed: bool,
    moved: Callable[[int], None] = lambda messages: None,
) -> tuple[dict[str, Any], bytes]:
    """Examine; return the record and, where it is to be `sealed`, the archive. That it was done,
    and what it came to, is written down as done at the machine."""
    catalogue, now = Catalogue(), clock.now()
    await catalogue.load(store)
    rulebook = Rulebook.load(Path(settings.rulebook) if settings.rulebook else None)
    screens = Texts(store, clock, vault, Senders(catalogue), loader_of(settings.screening))
    judgements = Judgements(store, catalogue, screens, now)
    examining = Examining(store, catalogue, rulebook, judgements, NumberTable.load())
    out = await examining.run(scope, moved)
    record = told(out, catalogue, texts)
    archive = b""
    if sealed:
        _, key = await open_key(store, vault, secrets.token_bytes, now)
        archive = await bundle(store, out, record, rulebook, key, utc(now))
    operator = catalogue.operator
    if operator is not None:
        async with store.transaction() as tx:
            await keep_act(
                tx, Caller(operator.id, frozenset(), False, 0), now, "examination.run", "",
                {name: record[name] for name in ("from", "to", "purposes", "only")},
                {"messages": record["messages"], "found": len(record["found"]), "texts": texts,
                 "archive": sealed} | record["examined_with"],
            )  # fmt: skip
    return record, archive


def written(path: Path, octets: bytes) -> None:
    """Write a new file that only its owner may read. Raises InvalidInput."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(octets)
    except OSError as error:
        raise InvalidInput(
            "bad_file", f"{path.name}: {error.strerror}", field="out", mend="name a new file"
        ) from None


def _show(found: dict[str, Any]) -> None:
    console = Console(highlight=False)
    console.print(
        f"{found['messages']} messages from {found['ports']} ports,"
        f" {found['texts_judged']} texts judged; {found['messages_found']} should not have gone"
    )
    if not found["found"]:
        return
    table = Table("verdict", "port", "carrier", "customer", "messages", "people", "first", "last",
                  "reasons")  # fmt: skip
    for row in found["found"]:
        reasons = "\n".join(f"{one['code']}: {one['en']} / {one['zh']}" for one in row["reasons"])
        table.add_row(
            row["verdict"], f"{row['port']['number']} {row['port']['purpose']}",
            row["port"]["carrier"], row["customer"]["name"], str(row["messages"]),
            str(row["people"]), _day(row["first_at"]), _day(row["last_at"]),
            reasons.replace("[", r"\["),
        )  # fmt: skip
    console.print(table)


def _day(time: str) -> str:
    return datetime.fromisoformat(time).strftime("%Y-%m-%d %H:%M")
