"""`assent monitor`: a small process that runs elsewhere and watches a platform's ledger.

It asks for the checkpoint and for proofs, keeps the last note that it believed in a file, and says
what it finds: a line of JSON each, a command, a webhook. It needs a key of the scope `audit` and
nothing else of the platform.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import tomllib
from base64 import b64decode
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import httpx
import msgspec
import typer

from assent.app.direct import guarded
from assent.cli.console import KEY_VARIABLE
from assent.client import AsyncClient
from assent.clock import Clock, clock_from_environment
from assent.consent.monitor import GRAVE, Finding, Told, Watched, compare, overdue, read, shown
from assent.consent.note import Checkpoint, Note, PublicKey
from assent.errors import AssentError, InvalidInput

_PATIENCE_S: Final = 20.0


class MonitorSettings(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The file of `assent monitor`. `url`: of the platform. `origin` and `key`: the log's name and
    public key, as published. `state_dir`: where the last note is kept. `every_s`: between looks.
    `patience_s`: for how long nothing may be signed or witnessed. `command`: run with the finding
    as JSON on its standard input; `webhook`: where it is posted."""

    url: str
    origin: str
    key: str
    state_dir: str
    every_s: float = 60.0
    patience_s: float = 3_600.0
    command: list[str] = msgspec.field(default_factory=list)
    webhook: str = ""


class Memory:
    """The last note that was believed, in a file that is replaced durably."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._path = directory / "last.note"

    def last(self) -> str:
        """Return the note, nothing where there is none yet. Raises InvalidInput for a file that
        holds something else: to begin anew would be to forget."""
        if not self._path.exists():
            return ""
        text = self._path.read_text("utf-8")
        Checkpoint.parse(Note.parse(text).text)
        return text

    def keep(self, note: str) -> None:
        """Remember a note."""
        new = self._path.with_suffix(".new")
        with new.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._path)


class Monitor:
    """Watches one log. `client` asks it."""

    def __init__(self, watched: Watched, memory: Memory, client: AsyncClient, clock: Clock) -> None:
        self._watched = watched
        self._memory = memory
        self._client = client
        self._clock = clock

    async def look(self) -> list[Finding]:
        """Ask once; return what is wrong. A note is believed only if it extends the last one."""
        try:
            answer = await self._client.ledger()
            told = _told(answer)
            if not told.note:
                return self._empty()
            return await self._weigh(told)
        except AssentError as error:
            return [Finding("unreachable", detail=error.code)]

    def _empty(self) -> list[Finding]:
        last = self._memory.last()
        if not last:
            return []
        return [Finding("rollback", Checkpoint.parse(Note.parse(last).text).size, 0)]

    async def _weigh(self, told: Told) -> list[Finding]:
        now, wrong = read(self._watched, told.note)
        if now is None or wrong is not None:
            return [wrong] if wrong is not None else []
        last = self._memory.last()
        if last:
            seen, wrong = read(self._watched, last)
            if seen is None:
                return [wrong] if wrong is not None else []
            wrong = compare(seen, now, await self._proof(seen.size, now.size))
            if wrong is not None:
                return [wrong]
        self._memory.keep(told.note)
        return overdue(self._watched, told, now.size, self._clock.now())

    async def _proof(self, old: int, new: int) -> list[bytes] | None:
        if not 0 < old < new:
            return []
        try:
            answer = await self._client.ledger_consistency(old, new)
            return [b64decode(line, validate=True) for line in answer["proof"]]
        except (InvalidInput, KeyError, ValueError, TypeError):
            return None


def _told(answer: Any) -> Told:
    """Return what a log said. Raises InvalidInput for something else."""
    try:
        sealed = answer["sealed_at"]
        return Told(
            answer["checkpoint"],
            int(answer["unsealed"]),
            _seconds(sealed) if sealed else 0.0,
            tuple((one["name"], _seconds(one["seen_at"])) for one in answer["witnesses"]),
        )
    except (KeyError, TypeError, ValueError):
        raise InvalidInput("bad_answer", "the log answered something else") from None


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def monitor(
    config: Annotated[Path, typer.Option("--config", "-c", help="Its settings, TOML.")],
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
) -> None:
    """Watch a platform's ledger from elsewhere: rollback, fork, no progress, bad signatures.

    Prints one JSON line a finding. With --once ends with 0 when all is well, 1 for what no
    accident explains, 2 for the rest. The API key (scope audit) is read from ASSENT_KEY."""
    raise typer.Exit(guarded(lambda: asyncio.run(_monitor(config, once))))


async def _monitor(path: Path, once: bool) -> int:
    settings = _settings(path)
    clock = clock_from_environment()
    watched = Watched(settings.origin, PublicKey.parse(settings.key), settings.patience_s)
    over = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    key = os.environ.get(KEY_VARIABLE, "")
    told: set[Finding] = set()
    async with AsyncClient(settings.url, key, timeout=_PATIENCE_S) as client:
        watching = Monitor(watched, Memory(Path(settings.state_dir)), client, clock)
        while True:
            found = await watching.look()
            for finding in found:
                if finding not in told:  # what stays is said once
                    at = datetime.fromtimestamp(clock.now(), UTC).isoformat(timespec="seconds")
                    await _say(settings, shown(finding, settings.origin, at))
            told = set(found)
            if once:
                return 0 if not found else 1 if any(f.code in GRAVE for f in found) else 2
            try:
                await asyncio.wait_for(over.wait(), settings.every_s)
                return 0
            except TimeoutError:
                pass


async def _say(settings: MonitorSettings, line: dict[str, Any]) -> None:
    """Print a finding, and tell the command and the webhook; that these fail is printed, too."""
    text = json.dumps(line, ensure_ascii=False)
    print(text, flush=True)
    if settings.command:
        try:
            process = await asyncio.create_subprocess_exec(
                *settings.command, stdin=asyncio.subprocess.PIPE
            )
            await asyncio.wait_for(process.communicate(text.encode() + b"\n"), _PATIENCE_S)
        except (OSError, TimeoutError) as error:
            _failed("command", type(error).__name__)
    if settings.webhook:
        try:
            async with httpx.AsyncClient(timeout=_PATIENCE_S) as client:
                headers = {"content-type": "application/json"}
                answer = await client.post(settings.webhook, content=text, headers=headers)
                answer.raise_for_status()
        except httpx.HTTPError as error:
            _failed("webhook", type(error).__name__)


def _failed(what: str, why: str) -> None:
    print(json.dumps({"code": "not_told", "by": what, "detail": why}), flush=True)


def _settings(path: Path) -> MonitorSettings:
    try:
        return msgspec.convert(tomllib.loads(path.read_text("utf-8")), MonitorSettings)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InvalidInput(
            "bad_settings", f"{path.name}: {error}", field="config", rule="ledger: monitor",
            mend="docs/ledger.md shows what a monitor needs",
        ) from None  # fmt: skip
