"""`assent replay`: past decisions taken again, as they were and as they would be. Beside the
platform, in a process of its own."""

from __future__ import annotations

import asyncio
import csv
import dataclasses
import io
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from assent.app import settings as app_settings
from assent.app.direct import Config, guarded, opened
from assent.app.examining import purposes_of, written
from assent.app.screens import tried
from assent.app.settings import Settings
from assent.cli.console import moment
from assent.clock import Clock, clock_from_environment
from assent.errors import AssentError, InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.examine import Scope
from assent.flow.examine_texts import Judgements
from assent.flow.needs import Queries, Store, utc
from assent.flow.replay import Replay, Replayed
from assent.flow.replay_ceilings import CeilingReplay
from assent.flow.replay_tally import rows
from assent.flow.replay_texts import Rescreened
from assent.flow.requests import Caller
from assent.flow.screen_senders import Senders
from assent.flow.screened import Screens
from assent.flow.screening import Texts
from assent.flow.staff import keep_act
from assent.flow.vault import Vault
from assent.numbers import NumberTable
from assent.policy.ceilings import ceilings_of
from assent.policy.rulebook import Rulebook

FORMAT: Final = "assent-replay/1"
_PERIOD_S: Final = 86_400.0
_GENTLE: Final = 10


@dataclass(frozen=True, slots=True)
class Tried:
    """What a time is replayed with; None: as it is now."""

    rulebook: Path | None = None
    model: Path | None = None
    words: Path | None = None
    ceilings: Path | None = None


def replay(
    config: Config = None,
    since: Annotated[
        str | None, typer.Option("--from", help="Since when; a day before --to if not given.")
    ] = None,
    until: Annotated[str | None, typer.Option("--to", help="Until when; now if not given.")] = None,
    rulebook: Annotated[
        Path | None, typer.Option(help="A rulebook to try; the one in force if not given.")
    ] = None,
    model: Annotated[Path | None, typer.Option(help="A model of texts to try.")] = None,
    words: Annotated[Path | None, typer.Option(help="A set of words to try.")] = None,
    ceilings: Annotated[
        Path | None, typer.Option(help="Ceilings to try: a list as a rulebook has it.")
    ] = None,
    purposes: Annotated[
        str, typer.Option(help="What the messages were for, with commas between.")
    ] = "verification,notification,marketing,internal",
    account: Annotated[
        list[str] | None, typer.Option(help="Only this account, by name; may be repeated.")
    ] = None,
    sender: Annotated[
        list[str] | None, typer.Option(help="Only this sender's; credit code; may be repeated.")
    ] = None,
    table: Annotated[
        Path | None, typer.Option("--csv", help="A new file: all tables, one row a line.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Take the decisions of a time again: first as they were, then with another rulebook, model,
    set of words or ceilings; show what would differ. The platform may run. Ends with 1 where a
    stored decision comes out otherwise under the same rules."""
    # long: a line an option

    def work() -> int:
        clock = clock_from_environment()
        end = moment(until, "--to") or utc(clock.now())
        begin = moment(since, "--from") or utc(end.timestamp() - _PERIOD_S)
        owners = {"senders": tuple(sender or ()), "accounts": tuple(account or ())}
        scope = Scope(begin, end, purposes_of(purposes), **owners)
        scope.ids()
        tried_ = Tried(rulebook, model, words, ceilings)
        return asyncio.run(_replay(config, clock, scope, tried_, table, as_json))

    raise typer.Exit(guarded(work))


async def _replay(
    config: Path | None, clock: Clock, scope: Scope, what: Tried, table: Path | None, as_json: bool
) -> int:
    os.nice(_GENTLE)
    settings = app_settings.load(config)
    new = with_ceilings(read_rulebook(what.rulebook, settings), what.ceilings)
    screens = None
    if what.model is not None or what.words is not None:
        screens = tried(settings.screening, what.model, what.words)()
    async with opened(settings, clock) as (store, vault):
        with Console(stderr=True).status("replaying") as status:
            told = await replayed(
                settings, store, vault, clock, scope, new, screens,
                lambda many: status.update(f"{many} decisions"),
            )  # fmt: skip
    if table is not None:
        out = io.StringIO()
        csv.writer(out).writerows(rows(told))
        written(table, out.getvalue().encode())
    if as_json:
        print(json.dumps(told, ensure_ascii=False))
    else:
        _show(told)
    return 1 if told["verified"]["differ"] else 0


def read_rulebook(path: Path | None, settings: Settings) -> Rulebook:
    """Return the rulebook of a file, or the one that the settings name. Raises InvalidInput."""
    if path is None:
        return Rulebook.load(Path(settings.rulebook) if settings.rulebook else None)
    try:
        return Rulebook.load(path)
    except (OSError, ValueError) as error:
        raise InvalidInput(
            "rulebook_invalid", f"{path.name}: {error}", field="--rulebook",
            mend="name a rulebook (docs/rulebook.md)",
        ) from error  # fmt: skip


async def replayed(
    settings: Settings,
    store: Store,
    vault: Vault,
    clock: Clock,
    scope: Scope,
    new: Rulebook,
    screens: Screens | None = None,
    moved: Callable[[int], None] = lambda decisions: None,
) -> dict[str, Any]:
    """Replay a time with a rulebook and, if given, other `screens`; return what came out as JSON
    has it. That it was done is written down as done at the machine."""
    catalogue, now = Catalogue(), clock.now()
    await catalogue.load(store)
    rulebooks = await kept_rulebooks(store, read_rulebook(None, settings))
    texts, screening = None, None
    if screens is not None:
        asked = Texts(store, clock, vault, Senders(catalogue), None)
        asked.use(screens)
        texts = Rescreened(store, catalogue, vault, Judgements(store, catalogue, asked, now))
        screening = screens.digest
    one = Replay(store, catalogue, NumberTable.load(), rulebooks, new, texts)
    out = await one.run(scope, moved)
    told = _told(out, new, screening)
    current = rulebooks[read_rulebook(None, settings).digest.hex()].ceilings
    if new.ceilings != current:
        restrictions = CeilingReplay(store, catalogue)
        told["ceilings"] = await restrictions.run(scope, current, new.ceilings)
    if catalogue.operator is not None:
        async with store.transaction() as tx:
            await keep_act(
                tx, Caller(catalogue.operator.id, frozenset(), False, 0), now, "replay.run", "",
                {name: told[name] for name in ("from", "to", "purposes", "only")},
                {"decisions": told["decisions"], "changed": told["changed"]} | told["tried"],
            )  # fmt: skip
    return told


def with_ceilings(rulebook: Rulebook, path: Path | None) -> Rulebook:
    """Return a rulebook with the ceilings of a file: a list, as the member `value` of a rulebook's
    `ceilings`. Decisions do not read them, so it keeps its digest. Raises InvalidInput."""
    if path is None:
        return rulebook
    try:
        return dataclasses.replace(rulebook, ceilings=ceilings_of(json.loads(path.read_bytes())))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidInput(
            "ceilings_invalid", f"{path.name}: {type(error).__name__}: {error}",
            field="--ceilings", mend="write a list as docs/ceilings.md shows",
        ) from error  # fmt: skip


async def kept_rulebooks(queries: Queries, current: Rulebook) -> dict[str, Rulebook]:
    """Return every rulebook that the ledger kept, and the current one, by digest. One that this
    version cannot read any more is left out: its decisions are told to be without. Decisions never
    read ceilings, so one of before there were any is read with those of today."""
    found = {current.digest.hex(): current}
    more = {"ceilings": json.loads(current.canonical)["ceilings"]}
    for row in await queries.fetch("replay_rulebooks"):
        canonical = bytes(row["document"])
        try:
            one = Rulebook.from_document(more | json.loads(canonical))
        except AssentError:
            continue
        digest = sha256(canonical).digest()
        one = dataclasses.replace(one, digest=digest, canonical=canonical)
        found.setdefault(digest.hex(), one)
    return found


def _told(out: Replayed, new: Rulebook, screening: str | None) -> dict[str, Any]:
    scope = out.scope
    return {
        "format": FORMAT,
        "from": scope.since.isoformat(),
        "to": scope.until.isoformat(),
        "purposes": sorted(purpose.name.lower() for purpose in scope.purposes),
        "only": {"senders": list(scope.senders), "accounts": list(scope.accounts)},
        "tried": {"rulebook": new.digest.hex(), "screening": screening},
        "orders": out.orders,
        "decisions": out.decisions,
        "rulebooks_then": dict(out.rulebooks.most_common()),
        "number_tables_then": dict(out.number_tables.most_common()),
        "verified": out.checked.told(),
        **out.transitions.told(),
    }


def _show(told: dict[str, Any]) -> None:
    """Print a replay as tables. (long: one after the other)"""
    console = Console(highlight=False)
    checked, changed = told["verified"], told["changed"]
    console.print(
        f"{told['decisions']} decisions of {told['orders']} orders; {checked['same']} come out the"
        " same under the rules of then"
    )
    for code, one in checked["differ"].items():
        console.print(f"  otherwise: {code}, {one['decisions']}: {', '.join(one['examples'])}")
    for what, many in checked["not_kept"].items():
        console.print(f"  not looked at again, {what} not kept: {many}")
    console.print(
        f"tried: {changed['same']} the same, {changed['stricter']} stricter, {changed['laxer']}"
        f" laxer, {changed['unknown']} not known"
    )
    for what, many in told["not_kept"].items():
        console.print(f"  not known, {what} not kept: {many}")
    if told["reasons"]:
        table = Table("from", "reason", "to", "reason", "messages", "examples")
        for row in told["reasons"]:
            table.add_row(
                row["from"]["verdict"], row["from"]["reason"] or "-", row["to"]["verdict"],
                row["to"]["reason"] or "-", str(row["messages"]), "\n".join(row["examples"][:3]),
            )  # fmt: skip
        console.print(table)
    if "ceilings" in told:
        _show_ceilings(console, told["ceilings"])
    for name, some in told["by"].items():
        if some and any(row["name"] for row in some):
            table = Table(name, "stricter", "laxer", "unknown")
            for row in some[:20]:
                ways = (str(row[word]) for word in ("stricter", "laxer", "unknown"))
                table.add_row(row["name"] or "-", *ways)
            console.print(table)


def _show_ceilings(console: Console, told: dict[str, Any]) -> None:
    for word, side in (("in force", told["in_force"]), ("tried", told["tried"])):
        console.print(
            f"ceilings {word}: {side['restrictions']} restrictions of {side['keys']}, which would"
            f" concern {side['would_concern']} messages"
        )
    if not told["restrictions"]:
        return
    table = Table("ceiling", "of", "under", "from", "to", "effect", "counted", "concerns")
    for row in told["restrictions"]:
        table.add_row(
            row["ceiling"], ", ".join(f"{name} {one}" for name, one in row["key"].items()),
            ", ".join(row["under"]), row["from"], row["to"], f"{row['effect']} ({row['level']})",
            f"{row['events']} of {row['messages']}", str(row["would_concern"]),
        )  # fmt: skip
    console.print(table)
