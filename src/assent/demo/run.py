"""`assent demo`: everything real, from an empty directory to a verdict, in under two minutes.

A fresh embedded database, `assent serve`, three simulated carriers on loopback TCP, an audience
over all carriers and provinces, refusals while sending, a second campaign; then everything is
judged by the carriers' own records. docs/demo.md tells the story.
"""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from rich.console import Console

from assent.client import AsyncClient
from assent.clock import Clock, SystemClock
from assent.demo import report, table
from assent.demo.books import Books, Ledger
from assent.demo.cast import AUDITOR, MALL
from assent.demo.check import judge
from assent.demo.evidence import keep_evidence
from assent.demo.newcomer import Mailbox, arrive
from assent.demo.outcome import Outcome, weigh
from assent.demo.play import Play, Told
from assent.demo.processes import Stage
from assent.demo.records import Keeper, load
from assent.demo.scenario import Scenario, draw
from assent.demo.show import Show
from assent.errors import AssentError, InvalidInput
from assent.store import embedded

SMALLEST: Final = 100
REPORT: Final = "assent-demo.html"
_PLAIN_WIDTH: Final = 110
_SHANGHAI: Final = timedelta(hours=8)
_TEN: Final = timedelta(hours=10)


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is asked for. `records`: keep them here; `report`: write it here (in the
    records' directory, or the current one); `keep`: leave the temporary directory."""

    seed: int = 1
    json: bool = False
    records: Path | None = None
    keep: bool = False
    size: int = 20_000
    report: Path | None = None


def main(options: Options) -> int:
    """Run the demonstration; return 0 when every promise was kept, 1 when not.

    Raises AssentError when it could not be run to its end.
    """
    if options.size < SMALLEST:
        raise InvalidInput(
            "demo_too_small", f"an audience has at least {SMALLEST} people", field="size"
        )
    begin = time.perf_counter()
    console = Console(width=None if sys.stdout.isatty() else _PLAIN_WIDTH)
    show = Show(console, lambda: time.perf_counter() - begin)
    root = Path(tempfile.mkdtemp(prefix="assent-demo-"))
    root.chmod(0o711)  # as root, PostgreSQL runs as another user and must pass through
    try:
        outcome = asyncio.run(_until_stopped(options, root, show))
        outcome.seconds = round(time.perf_counter() - begin, 1)
        outcome.figures["seconds"] = outcome.seconds
        table.show(outcome, console)
        console.print(f"report 报告: {_report(outcome, options)}", highlight=False, soft_wrap=True)
    except asyncio.CancelledError:
        console.print("stopped before its end 已中止")
        return 1
    finally:
        if options.keep:
            console.print(f"kept: {root}", highlight=False, soft_wrap=True)
        else:
            shutil.rmtree(root, ignore_errors=True)
    if options.json:
        figures = {**outcome.figures, "differences": outcome.differences, "kept": outcome.kept}
        print(json.dumps(figures, ensure_ascii=False), flush=True)
    return 0 if outcome.kept else 1


async def _until_stopped(options: Options, root: Path, show: Show) -> Outcome:
    """Run, and end everything when this process is asked to end."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    clock = ten_o_clock(SystemClock())
    records = options.records or root / "records"
    keeper = Keeper(records)
    stage = Stage(root, records, options.seed, clock.offset_s)
    try:
        scenario = draw(options.seed, options.size)
        told, books = await _play(scenario, stage, keeper, clock, show)
    finally:
        await asyncio.shield(stage.stop())
    show.say("judging by the carriers' records 以运营商记录核对")
    return weigh(scenario, judge(load(records)), books, told, 0.0)


async def _play(
    scenario: Scenario, stage: Stage, keeper: Keeper, clock: Clock, show: Show
) -> tuple[Told, Books]:
    await stage.start_carriers()
    show.say("three carriers listen 三家模拟运营商就绪")
    async with AsyncExitStack() as stack:
        mailbox = Mailbox()
        stack.callback(mailbox.stop)
        port = await stage.start_platform(await mailbox.start())
        show.say("assent serve is ready, on a fresh database 平台就绪")
        keys = await stage.setup()
        arrival = await arrive(f"http://127.0.0.1:{port}", mailbox)
        show.say(
            "a customer signed up, confirmed a mail over SMTP, logged in 新客户注册、邮件验证、登录"
        )
        show.say(
            f"its account is {arrival.status}; sending in another firm's name is refused: "
            f"{arrival.refused} 账户待审核，冒名发送被拒"
        )
        clients = {
            account: await stack.enter_async_context(
                AsyncClient(f"http://127.0.0.1:{port}", key, timeout=60.0)
            )
            for account, key in keys.items()
        }
        engine = await embedded.start(stage.database)  # attaches: `assent serve` owns it
        ledger = await Ledger.open(engine.dsn)
        stack.push_async_callback(ledger.close)
        play = Play(scenario, stage, keeper, clock, show, clients, ledger)
        play.told.arrival = arrival
        await play.run()
        parts = (clients[AUDITOR], clock, stage.records, play.told.refusers, MALL)
        play.told.evidence = await keep_evidence(*parts)
        show.say("evidence.zip of one who refused, checked offline 证据包已核验")
        return play.told, await ledger.read()


def ten_o_clock(clock: Clock) -> SystemClock:
    """Return a clock that begins today at ten in the morning in China, for all processes."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    day = (now + _SHANGHAI).replace(hour=0, minute=0, second=0, microsecond=0)
    return SystemClock(round((day + _TEN - _SHANGHAI - now).total_seconds(), 3))


def _report(outcome: Outcome, options: Options) -> Path:
    """Write the report where it was asked for, or where the user is; else among temporary files."""
    path = options.report or (options.records or Path.cwd()) / REPORT
    try:
        report.write(outcome, path)
    except OSError as error:
        if options.report is not None:
            raise AssentError(
                "demo_report", f"the report cannot be written: {error.strerror}",
                field="report", mend="name a file in a directory that you may write to",
            ) from None  # fmt: skip
        path = Path(tempfile.gettempdir()) / REPORT
        report.write(outcome, path)
    return path
