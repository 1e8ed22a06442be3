"""One process of an installation: everything wired for its role, started and stopped in order.

Roles: `front` (HTTP API, codes, confirmations), `bulk` (campaigns and everything that settles
later), `all` (both in one process). Starting: recover → load memory → links → ways in.
Stopping: ways in → dispatch → links drained → answers stored → epoch ended.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import structlog

from assent.app.asking_desk import AskingDesk
from assent.app.case_desk import CaseDesk
from assent.app.ceiling_desk import CeilingDesk
from assent.app.complaint_desk import ComplaintDesk
from assent.app.consent_desk import ConsentDesk
from assent.app.customers import TASKS, Customers
from assent.app.erasure_desk import ErasureDesk
from assent.app.figures import figures
from assent.app.fleet import Fleet
from assent.app.front_desk import front_of, warn_daily
from assent.app.judging_desk import desk_of
from assent.app.ledger import Ledger
from assent.app.listening import listen
from assent.app.near_desk import NearDesk
from assent.app.page_desk import PageDesk
from assent.app.pdu_watch import PduWatch
from assent.app.people import People, tidings_of
from assent.app.port_desk import PortDesk
from assent.app.realtime import Realtime
from assent.app.receipt_codes import receipt_code
from assent.app.refusal_desk import RefusalDesk
from assent.app.rollup_desk import RollupDesk
from assent.app.screening_desk import ScreeningDesk
from assent.app.settings import Settings
from assent.app.vaults import open_vault
from assent.app.warning_desk import WarningDesk
from assent.carrier.pdu_masks import Masks
from assent.clock import Clock, pause
from assent.errors import AssentError
from assent.fetch.fetcher import COMMAND
from assent.flow.campaigns import Campaigns
from assent.flow.catalogue import Catalogue
from assent.flow.claims import ClaimBook
from assent.flow.confirm import Confirmer
from assent.flow.consents import Refusals
from assent.flow.dispatch import Dispatcher
from assent.flow.ends import Ends
from assent.flow.ids import BatchIds
from assent.flow.inbound import Inbound
from assent.flow.indexing import Indexing
from assent.flow.keys import Keys
from assent.flow.leases import DispatchSettings
from assent.flow.live import Live
from assent.flow.marks import Marks
from assent.flow.needs import utc
from assent.flow.own_words import OwnWords
from assent.flow.people import Directory
from assent.flow.probes import SharedProbes
from assent.flow.recover import Recovery
from assent.flow.refusal_links import RefusalLinks
from assent.flow.refusals import RefusalWriter
from assent.flow.replies import Replies
from assent.flow.results import Results
from assent.flow.service import Sending
from assent.flow.settle import Settler
from assent.flow.status import Status
from assent.flow.submit import Submit
from assent.flow.traffic import Traffic
from assent.flow.videos import Videos
from assent.flow.write import write
from assent.message import Lane
from assent.policy.probing import Probes
from assent.policy.rulebook import Rulebook
from assent.store import Store
from assent.store.epoch import Epoch

LANES: Final = {
    "front": [Lane.SYSTEM, Lane.VERIFICATION],
    "bulk": [Lane.NOTIFICATION, Lane.MARKETING],
    "watch": [],
    "all": list(Lane),
}
_DRAIN_S: Final = 10.0
log = structlog.get_logger("assent")


class Node:
    """A process. `await start()`, later `await stop()`; `lost` is set when it must exit. `config`:
    the file of the settings, to be read again when staff say so. `key`: random, shared by the
    processes of an installation and never stored; the PDU log's digests are made with it."""

    def __init__(
        self,
        settings: Settings,
        role: str,
        dsn: str,
        clock: Clock,
        config: Path | None = None,
        key: bytes | None = None,
    ) -> None:
        self.settings = settings
        self.role = role
        self.clock = clock
        self.key = key or secrets.token_bytes(32)
        self._dsn = dsn
        self.fetch_command: Sequence[str] = COMMAND
        self.lost = asyncio.Event()
        self.looks: dict[str, float] = {}
        self.fleet = Fleet(settings, role, config, clock, Random(secrets.randbits(64)))
        self.pools = self.fleet.pools
        self.customers: Customers | None = None
        self.people: People | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self.background: set[asyncio.Task[None]] = set()
        self._started = time.monotonic()

    async def start(self) -> None:
        """Connect, recover, load, and start the tasks and links of the role."""
        connected = None
        if self.settings.realtime_codes and self.role == "front":
            realtime = Realtime()
            realtime.take()
            connected = realtime.take_backend
        self.store = await Store.open(self._dsn, min=2, max=10, connected=connected)
        self.vault = await open_vault(self.settings, self.store)
        self.ledger = await Ledger.open(self)
        await self.ledger.look()
        now = self.clock.now()
        await self.store.fetchval("ensure_partitions", utc(now), 2)
        self.epoch = await Epoch.register(self.store, self.role, utc(now), self._epoch_lost)
        self.recovery = Recovery(self.store, self.epoch.id)
        await self.recovery.step(now)
        if self.role in ("front", "all"):
            await self.store.execute("audiences_abandoned")
        await self._load()
        self._wire()
        if self.customers is not None:
            await self.customers.reload()
        await self.fleet.follow(self.store)
        self.fleet.see_ports(self.catalogue.ports.values())
        await self.ledger.note_settings()
        await listen(self)
        self._run()
        if self.customers is not None:
            await self.customers.listen()

    async def _load(self) -> None:
        rulebook = self.settings.rulebook
        self.rulebook = Rulebook.load(Path(rulebook) if rulebook else None)
        self.catalogue = Catalogue(self.fleet.video)
        await self.catalogue.load(self.store)
        await self.catalogue.chain.restricted.load_blocked(self.store)
        self.live = Live(self.catalogue)
        await self.live.load(self.store)
        await self.live.sync(self.store)
        self.ends = Ends(await self.store.fetchval("ends_head"))
        self.book = ClaimBook(self.rulebook)
        await self.book.follow(self.store, self.clock.now())
        self.directory = Directory(Marks(self.vault))
        await self.directory.load(self.store)
        self.ids = BatchIds(self.clock)

    def _wire(self) -> None:  # long: one line a part, nothing but wiring
        store, clock, ids = self.store, self.clock, self.ids
        self.links = RefusalLinks(self.vault, self.settings.public_url)
        self.screening = ScreeningDesk(self)
        self.probes = Probes(self.rulebook.probing)
        self.submit = Submit(store, desk_of(self), ids)
        journal = self.ledger.keeper(self.directory, self.catalogue)
        self.writer = RefusalWriter(self.catalogue, ids, receipt_code, journal)
        names = [carrier.name for carrier in self.settings.carriers]
        words = self.words = self.settings.keywords.sets(names)
        parts_s = self.settings.reply_parts_s
        self.replies = Replies(
            store, clock, ids, self.directory, self.catalogue, words, self.writer, parts_s
        )
        # Campaigns keep that process busy, and what people refuse must not wait behind them.
        self.replies.hands_over = self.role == "bulk"
        self.inbound = Inbound(store, clock, ids, self.replies.known_people, self.replies.take)
        self.traffic = Traffic(clock, self.ends, self.fleet.carriers(), self.inbound.arrived)
        self.inbound.attach(self.traffic.outstanding)
        sizes = self.settings.dispatch
        settings = DispatchSettings(sizes.window, sizes.low_water, sizes.leased)
        chain, lanes = self.catalogue.chain, LANES[self.role]
        memory = self.directory, self.ends, self.book, self.traffic
        self.dispatcher = Dispatcher(
            store, clock, self.epoch.id, chain, *memory, write, lanes, settings
        )
        self.results = Results(store, clock, self.epoch.id, self.traffic, self.dispatcher.give)
        self.fleet.attach(self.traffic, self.dispatcher)
        self.dispatcher.kick = self.fleet.kick
        if self.role in ("front", "all"):
            self.customers = Customers(self)
            self.people = People(self)
        masks = Masks(self.key, self.settings.pdu_texts)
        taps = [self.fleet.tap, *([] if self.customers is None else [self.customers.tap])]
        self.pdus = PduWatch(store, clock, taps, masks, self.key)
        self.keys = Keys(store)
        self._wire_orders()
        self._wire_front()
        self.consent_desk = ConsentDesk(self)
        self.consents = self.consent_desk.consents
        whom = self.catalogue, self.directory
        self.refusals = Refusals(store, clock, *whom, ids, self.writer, self.live)
        self.status = Status(store, clock, self.directory)
        self.own_words = OwnWords(store, *whom, self.submit, self.dispatcher)
        self.confirmer = Confirmer(store, clock, *whom, self.own_words, self.fleet.ways)
        self.settler = Settler(
            store, clock, ids, self.replies, daily_at_s=self.settings.daily_hour_utc * 3600,
            tidings=self.tidings,
        )  # fmt: skip
        self.port_desk = PortDesk(self)
        self.asking_desk = AskingDesk(self)
        self.near_desk = NearDesk(self)
        self.case_desk = CaseDesk(self)
        self.erasure_desk = ErasureDesk(self)
        self.indexing = Indexing(store, clock)
        self.shared_probes = SharedProbes(store, clock, self.probes, self.vault)
        if self.people is not None:
            self.people.serve(self)
        self.refusal_desk = RefusalDesk(self)
        self.page_desk = PageDesk(self, self.fetch_command)

    def _wire_front(self) -> None:
        self.tidings = tidings_of(self)
        self.warning_desk = WarningDesk(self)
        self.front = front_of(self)
        self.rollup_desk = RollupDesk(self)
        self.ceiling_desk = CeilingDesk(self)
        self.screening.serve()
        self.complaint_desk = ComplaintDesk(self)

    def _wire_orders(self) -> None:
        parts = (self.store, self.clock, self.ids, self.catalogue)
        videos = self.videos = Videos(*parts, self.settings.video.limits())
        self.sending = Sending(self.store, self.catalogue, self.submit, self.dispatcher, videos)
        self.campaigns = Campaigns(*parts, self.directory, self.submit, videos)

    def _run(self) -> None:
        if self.role == "watch":
            self._start(self._housekeeping(), "housekeeping")
            self._run_watch()
            return
        self._start(self.dispatcher.run(), "dispatch")
        self._start(self.results.run(), "results")
        self._start(self.inbound.run(), "inbound")
        self._start(self.shared_probes.run(), "probes")
        self._start(self.replies.run(), "replies")
        self._start(self._housekeeping(), "housekeeping")
        if self.customers is not None:
            self.customers.run(self._start)
        if self.people is not None:
            self.people.run(self._start)
        self._start(self.pdus.run(), "pdus")
        self._start(self.screening.prepare(), "screening")
        if self.role in ("front", "all"):
            self._start(self.confirmer.run(), "confirm")
        if self.role in ("bulk", "all"):
            self._start(self.campaigns.run(), "campaigns")
            self._start(self.settler.run(), "settle")
            self.ledger.run(self._start)
            self.erasure_desk.run(self._start)
            self.consent_desk.run(self._start)
        if self.role == "all":
            self._run_watch()
        self.fleet.start()

    def _run_watch(self) -> None:
        """Start what reads much and sends nothing: neither codes nor campaigns wait for it."""
        self._start(warn_daily(self), "expiry")
        self._start(self.near_desk.run(), "near")
        self._start(self.case_desk.run(), "cases")
        self.complaint_desk.run(self._start)
        self.rollup_desk.run(self._start)
        self.warning_desk.run(self._start)
        self.ceiling_desk.run(self._start)
        self._start(self.indexing.run(), "indexing")
        self._start(self.screening.tend(), "templates")
        self.page_desk.run(self._start)

    def _start(self, body: Any, name: str) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(body, name=name)
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            # A bug: better a restart, which recovers, than a process that does half its work.
            log.error("task_failed", task=task.get_name(), exc_info=task.exception())
            self._epoch_lost()

    def _epoch_lost(self) -> None:
        """The right to act is gone: close every socket before anything else, then exit."""
        if self.customers is not None:
            self.customers.abort("epoch lost")
        self.fleet.abort("epoch lost")
        self.lost.set()

    async def _housekeeping(self) -> None:
        while True:
            try:
                self.fleet.look()
                now = self.clock.now()
                await self.book.follow(self.store, now)
                await self.ends.sync(self.store)
                await self.live.sync(self.store)
                await self.dispatcher.tidy()
                await self.catalogue.pricing.follow(self.store, now)
                if self.customers is not None:
                    await self.customers.tidy()
                await self.tell()
                if self.role in ("bulk", "all") and await self.recovery.step(now):
                    self.dispatcher.wake()
                self.book.expire(now)
            except AssentError as error:
                log.warning("housekeeping_failed", code=error.code)
            await pause(self.clock, 1.0)

    async def tell(self) -> None:
        """Have other processes know how this one is. Raises AssentError."""
        body = msgspec.json.encode(self.report()).decode()
        await self.store.execute(
            "health_put", self.epoch.id, self.role, utc(self.clock.now()), body
        )

    async def looked(self, name: str, begun: float) -> None:
        """Note that a room that looks now and then has done so, since when, and tell it at once:
        whoever moves the clock waits for it. Raises AssentError."""
        self.looks[name] = begun
        await self.tell()

    def report(self) -> dict[str, Any]:
        """Return figures and health of this process; no personal data."""
        return figures(self, time.monotonic() - self._started)

    async def stop(self) -> None:
        """Stop in order: nothing new, windows drained, answers stored, leases given back."""
        if self.lost.is_set():
            await self.halt()
            await self.store.close()
            return
        if self.customers is not None:
            await self.customers.close()
            self.customers.stop()
        self.campaigns.stop()
        self.confirmer.stop()
        self.settler.stop()
        self.ledger.stop()
        self.consent_desk.stop()
        self.page_desk.stop()
        await self._finish("campaigns", "confirm", "settle", "sealing", "consents", "pages", *TASKS)
        self.dispatcher.stop()
        await self._finish("dispatch")
        self.traffic.take_back()
        await self.fleet.drain(_DRAIN_S)
        self.results.stop()
        await self._finish("results")
        self.inbound.stop()
        await self._finish("inbound")
        await self.replies.finish()
        await self.halt()
        if self.traffic.windows or self.traffic.finished or self.lost.is_set():
            # Answers that could not be stored: whoever comes next settles what we leave.
            log.warning("stopped_unfinished", windows=len(self.traffic.windows))
            self.epoch.leave()
        else:
            await self.dispatcher.let_go()
            await self.store.fetch("queue_free_epoch", self.epoch.id)
            await self.epoch.close(utc(self.clock.now()))
        await self.store.close()

    async def halt(self) -> None:
        """End every task at once; may be repeated."""
        tasks = {*self._tasks, *self.background}
        left = tasks
        while left:
            for task in left:
                task.cancel()
            # Again and again: before Python 3.12 `wait_for` may swallow a cancellation that
            # meets the end of what it waits for.
            _, left = await asyncio.wait(left, timeout=0.5)
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.page_desk.close()
        self.ledger.beside.close()

    async def _finish(self, *names: str) -> None:
        tasks = [task for task in self._tasks if task.get_name() in names]
        if tasks:
            await asyncio.wait(tasks, timeout=_DRAIN_S)
