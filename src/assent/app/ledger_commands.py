"""Commands of the ledger that run beside the API: its check from the entries, and a witness."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import secrets
import signal
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from assent.app import settings as app_settings
from assent.app.beside import all_journals
from assent.app.direct import Config, guarded, opened
from assent.app.ledger import beside_of
from assent.app.settings import Settings
from assent.app.vaults import FileVault
from assent.cli.evidence import ledger
from assent.clock import Clock, clock_from_environment
from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import InvalidInput
from assent.flow.bring_back import bring_back
from assent.flow.catalogue import Catalogue
from assent.flow.fsck import Fsck
from assent.flow.fsck_standing import check_standing
from assent.flow.journal import Noted, read_journal
from assent.flow.ledger_key import open_key
from assent.flow.over_again import facts_of, over_again
from assent.flow.replies_back import RepliesBack, RepliesBrought, copies, read_copies
from assent.flow.succession import past_keys, succeed
from assent.policy.rulebook import Rulebook
from assent.store import Store
from assent.web import HttpServer
from assent.web.witness import PATH, SeenFile, WitnessApp

_NAME = "witness.key"


class WitnessSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file of `assent witness`. `name`: of the witness, for ever. `logs`: origin → the log's
    public key. `state_dir`: where its key and what it saw last are kept."""

    name: str
    logs: dict[str, str]
    state_dir: str
    host: str = "127.0.0.1"
    port: int = 8400


@ledger.command("fsck")
def fsck(config: Config = None) -> None:
    """Work everything out again from the entries: leaves, tiles, roots, signatures, and what they
    add up to: who stands, who refused, for whom it rests. The platform may run. Ends with 1 where
    anything is wrong."""
    raise typer.Exit(guarded(lambda: asyncio.run(_fsck(config))))


async def _fsck(config: Path | None) -> int:
    settings = app_settings.load(config)
    clock = clock_from_environment()
    async with opened(settings, clock) as (store, vault):
        _, key = await open_key(store, vault, secrets.token_bytes, clock.now())
        witnesses = [witness.key for witness in settings.ledger.party()]
        report = await Fsck(store, key.public, witnesses, await past_keys(store)).run()
        standing = await check_standing(store)
    faults = [
        {"code": fault.code, "place": fault.place} for fault in report.faults + standing.faults
    ]
    print(
        json.dumps(
            {
                "entries": report.entries,
                "erased": report.erased,
                "unsealed": report.unsealed,
                "checkpoints": report.checkpoints,
                "size": report.size,
                "root": report.root.hex(),
                "people": standing.people,
                "standings": standing.standings,
                "refusals": standing.refusals,
                "programme_refusals": standing.programme_refusals,
                "pauses": standing.pauses,
                "more_faults": standing.more,
                "faults": faults,
            }
        )
    )
    return 1 if faults else 0


@ledger.command("recover")
def recover(
    config: Config = None,
    journal: Annotated[
        Path | None,
        typer.Option(
            help="Read every journal of this directory instead: a copy, or of a name"
            " that the log got later."
        ),
    ] = None,
    replies: Annotated[
        list[Path] | None,
        typer.Option(
            help="A copy of what people wrote, besides: of `assent ledger replies`, or a carrier's"
            " record of what it handed over. May be repeated."
        ),
    ] = None,
) -> None:
    """Bring back refusals, erasures and reassignments that a restored backup does not know, from
    the journal beside the database, and refusals from copies of replies. May be repeated; the
    platform may run. Marketing goes on after `assent ledger resume`. Ends with 1 where a line
    cannot be read."""
    raise typer.Exit(guarded(lambda: asyncio.run(_recover(config, journal, replies or []))))


async def _recover(config: Path | None, journal: Path | None, replies: list[Path]) -> int:
    settings = app_settings.load(config)
    clock = clock_from_environment()
    async with opened(settings, clock) as (store, vault):
        _, key = await open_key(store, vault, secrets.token_bytes, clock.now())
        beside = beside_of(settings.ledger, vault, key, "recover", clock)

        def lines() -> Iterator[Noted | None]:
            files = beside.journals() if journal is None else all_journals(journal)
            return read_journal(vault, files)

        # Who is over goes first, so that nobody meets them again by a refusal of before.
        rules = Rulebook.load(Path(settings.rulebook) if settings.rulebook else None)
        months = rules.keeping.content_months
        over = await over_again(store, clock, facts_of(lines()), vault, months)
        found = await bring_back(store, clock, lines(), vault, over.until)
        texts = await _from_copies(settings, store, vault, clock, replies)
    again = dataclasses.asdict(over)
    del again["until"]
    told = {**dataclasses.asdict(found), "over_again": again}
    print(json.dumps(told | ({"replies": dataclasses.asdict(texts)} if replies else {})))
    return 1 if found.unreadable or texts.unreadable else 0


async def _from_copies(
    settings: Settings, store: Store, vault: FileVault, clock: Clock, paths: list[Path]
) -> RepliesBrought:
    """Bring back what people refused in their own words. Raises InvalidInput for a file that cannot
    be read."""
    found = RepliesBrought()
    if not paths:
        return found
    catalogue = Catalogue()
    await catalogue.load(store)
    words = settings.keywords.sets([carrier.name for carrier in settings.carriers])
    texts = []
    for path in paths:
        try:
            with path.open("rb") as file:
                texts += read_copies(file, found)
        except OSError as error:
            raise InvalidInput(
                "bad_file", f"{path.name}: {error.strerror}", field="replies", mend="check the path"
            ) from None
    await RepliesBack(store, clock, vault, catalogue, words).bring(
        sorted(texts, key=lambda one: one.at_ms), found
    )
    return found


@ledger.command("replies")
def replies_copy(
    out: Annotated[Path, typer.Argument(help="The file to write; it is made for its owner only.")],
    since: Annotated[
        datetime | None, typer.Option(help="Only what came since; 30 days ago if not given.")
    ] = None,
    config: Config = None,
) -> None:
    """Copy what people wrote, for `assent ledger recover --replies`. The file holds their numbers
    and words: keep it as you keep backups. The platform may run. Prints how many lines."""
    raise typer.Exit(guarded(lambda: asyncio.run(_copy(config, out, since))))


async def _copy(config: Path | None, out: Path, since: datetime | None) -> int:
    settings, clock = app_settings.load(config), clock_from_environment()
    begin = clock.now() - 30 * 86_400.0 if since is None else since.timestamp()
    count = 0
    async with opened(settings, clock) as (store, _):
        try:
            file = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(file, "wb") as copy:
                async for line in copies(store, begin):
                    copy.write(line)
                    count += 1
        except OSError as error:
            raise InvalidInput(
                "bad_file", f"{out.name}: {error.strerror}", field="out", mend="name a new file"
            ) from None
    print(json.dumps({"lines": count}))
    return 0


@ledger.command("succeed")
def succeed_log(
    origin: Annotated[str, typer.Argument(help="The new name, like assent.example/consent-2.")],
    reason: Annotated[str, typer.Option(help="Why; it becomes part of the ledger.")],
    config: Config = None,
) -> None:
    """Give a log that was rolled back another name and key, so that witnesses cosign it again. The
    platform must not run. Prints the new public key, to be published."""
    raise typer.Exit(guarded(lambda: asyncio.run(_succeed(config, origin, reason))))


async def _succeed(config: Path | None, origin: str, reason: str) -> int:
    settings, clock = app_settings.load(config), clock_from_environment()
    async with opened(settings, clock) as (store, vault):
        told = await succeed(store, vault, secrets.token_bytes, clock.now(), origin, reason)
    print(json.dumps(told, ensure_ascii=False))
    return 0


def witness(
    config: Annotated[Path, typer.Option("--config", "-c", help="Its settings, TOML.")],
) -> None:
    """Run a witness: it cosigns a log's checkpoint only if the log extends what it saw before."""
    raise typer.Exit(guarded(lambda: asyncio.run(_witness(config))))


def _app(settings: WitnessSettings) -> tuple[SigningKey, WitnessApp]:
    directory = Path(settings.state_dir)
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    key = SigningKey(settings.name, KeyKind.COSIGNATURE, _seed(directory / _NAME))
    logs = {origin: PublicKey.parse(line) for origin, line in settings.logs.items()}
    seen = SeenFile(directory / "seen.json")
    return key, WitnessApp(key, logs, seen, clock_from_environment())


async def _witness(path: Path) -> int:
    settings = _read(path)
    key, app = _app(settings)
    server = HttpServer(app, settings.host, settings.port)
    await server.start()
    said = {"key": str(key.public), "url": f"http://{settings.host}:{server.port}{PATH}"}
    print(json.dumps(said), flush=True)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    await over.wait()
    await server.stop()
    return 0


def _read(path: Path) -> WitnessSettings:
    try:
        data: Any = tomllib.loads(path.read_text("utf-8"))
        return msgspec.convert(data, WitnessSettings)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InvalidInput(
            "bad_settings", f"{path.name}: {error}", field="config", rule="ledger: witnesses",
            mend="docs/ledger.md shows what a witness needs",
        ) from None  # fmt: skip


def _seed(path: Path) -> bytes:
    """Return the witness's seed; the first start makes it."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n", "ascii")
    seed = bytes.fromhex(path.read_text("ascii").strip())
    if len(seed) != 32 or path.stat().st_mode & 0o077:
        raise InvalidInput(
            "witness_key", f"{path.name} is no key, or others may read it", field="state_dir",
            rule="ledger: witnesses", mend=f"restore it, and chmod 600 {path}",
        )  # fmt: skip
    return seed
