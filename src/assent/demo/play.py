"""The play itself: what the two firms do over the HTTP API, act by act.

Everything goes through :mod:`assent.client`, as a customer's program would; the operator's view
into the database is only used to see when the platform has come to rest.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from assent.client import AsyncClient
from assent.clock import Clock
from assent.demo import cast
from assent.demo.books import Ledger
from assent.demo.cast import BOOKS, MALL, MARKET, Sender
from assent.demo.check import refuses
from assent.demo.newcomer import Arrival
from assent.demo.processes import RATES, Stage
from assent.demo.records import Keeper, Port, read_pdus
from assent.demo.review import release
from assent.demo.scenario import Code, Row, Scenario
from assent.demo.show import Show
from assent.demo.traffic import replies_of
from assent.errors import AssentError
from assent.numbers import Fault
from assent.policy.reasons import FAULT_CODES

HEAD: Final = ("手机号", "称呼", "积分")
COLUMNS: Final = {"name": "称呼", "points": "积分"}
ANNOUNCED_AFTER: Final = timedelta(seconds=4)
REST_S: Final = 60.0
_POLL_S: Final = 0.2
_AFTERWARDS: Final = 40
_STATEMENT: Final = "门店与网上会员登记时本人填写并勾选同意"


@dataclass(slots=True)
class Told:
    """What the platform answered. `wrong`: rows that an upload refused, by reason; `dry_run`:
    what the first campaign was expected to do; `refusers`: whom the records show refusing;
    `arrival`: how the customer fared who came anew; `released`: findings of consents that were
    held until a reviewer had looked, by sender; `evidence`: what checking the bundle found."""

    handed_in: dict[str, int] = field(default_factory=dict)
    wrong: dict[str, dict[str, int]] = field(default_factory=dict)
    dry_run: dict[str, Any] = field(default_factory=dict)
    refusers: list[str] = field(default_factory=list)
    codes_afterwards: list[str] = field(default_factory=list)
    arrival: Arrival | None = None
    released: dict[str, list[str]] = field(default_factory=dict)
    evidence: str = ""


class Play:
    """One run. The clients are keyed by account."""

    def __init__(
        self, scenario: Scenario, stage: Stage, keeper: Keeper, clock: Clock, show: Show,
        clients: Mapping[str, AsyncClient], ledger: Ledger,
    ) -> None:  # fmt: skip
        self._scenario = scenario
        self._stage = stage
        self._keeper = keeper
        self._clock = clock
        self._show = show
        self._clients = clients
        self._ledger = ledger
        self.told = Told()

    async def run(self) -> None:
        """Play all acts; return when the platform rests."""
        scenario = self._scenario
        self._keeper.ports(cast.ports())
        await self._consents()
        await self._withdrawals()
        await self._campaign("morning", MALL, cast.MORNING, scenario.greeted)
        await self._rest("This morning's campaign of the mall, for the caps")
        await self._first()
        refusers = self._refusers()
        self._show.say(f"{len(refusers)} people have refused the mall; they stay its customers")
        audience = await self._upload("second", MARKET, scenario.audience)
        await self._order("second", MARKET, cast.SIBLING, audience, len(scenario.audience))
        await self._campaign("readers", BOOKS, cast.READING, scenario.readers)
        await self._afterwards(refusers)
        await self._rest("Second campaign of the mall's group, and the bookshop's")

    # Before ------------------------------------------------------------------------------------

    async def _consents(self) -> None:
        for sender in cast.SENDERS:
            await self._import(sender)
        self.told.released = await release(self._clients[cast.REVIEWER])
        for found in self.told.released.values():
            self._show.say(
                f"a list of consents was held ({', '.join(found)}); a reviewer looked and let it go"
                " 同意名单经人工审核后放行"
            )

    async def _import(self, sender: Sender) -> None:
        given = self._scenario.consents[sender.code]
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        rows = [(number, now - timedelta(days=days)) for number, days in given]
        self._keeper.consents(
            self._clock.now_ns(), sender.code, cast.PROGRAMME, rows, "document", cast.WORDING,
            _STATEMENT,
        )  # fmt: skip
        words = f"{len(rows):,} consents of {sender.english} 导入同意"
        with self._show.progress(words) as tell:
            answer = await self._client(sender).import_consents(
                ({"to": number, "at": at} for number, at in rows),
                sender=sender.code, programme=cast.PROGRAMME, grade="document",
                wording=cast.WORDING, source=_STATEMENT,
                progress=lambda done: tell(done, len(rows)),
            )  # fmt: skip
        if answer["refused"]:
            raise AssentError("demo_consents", f"{answer['refused']} consents were refused")

    async def _withdrawals(self) -> None:
        people = self._scenario.withdrawn
        self._show.say(f"{len(people)} people withdrew at a counter of the mall 柜台退订")
        source = "门店柜台登记"
        await self._client(MALL).refuse(people, sender=MALL.code, source=source)
        self._keeper.refusals(self._clock.now_ns(), MALL.code, MALL.group, people, source)

    # Campaigns -----------------------------------------------------------------------------------

    async def _first(self) -> None:
        """The first campaign, with codes in the middle and another campaign waiting."""
        scenario = self._scenario
        audience = await self._upload("main", MALL, scenario.audience)
        waiting = await self._upload("announced", MARKET, scenario.announced)
        dry_run = await self._client(MALL).dry_run_campaign(
            name="first", audience=audience, sender=MALL.code, purpose="marketing",
            text=cast.CAMPAIGN,
        )  # fmt: skip
        self.told.dry_run = dry_run
        self._show.say(
            f"dry run 试算: {dry_run['allowed']:,} of {len(scenario.audience):,} may be written to,"
            f" {dry_run['cost_micro'] / 1e6:,.2f} yuan"
        )
        begin = datetime.fromtimestamp(self._clock.now(), UTC) + ANNOUNCED_AFTER
        await self._order(
            "announced", MARKET, cast.ANNOUNCED, waiting, len(scenario.announced), begin
        )
        await self._order("first", MALL, cast.CAMPAIGN, audience, len(scenario.audience))
        codes = asyncio.create_task(self._codes(dry_run["allowed"]))
        try:
            await self._rest("First campaign, refusals and codes meanwhile")
            await codes
        finally:
            codes.cancel()

    async def _campaign(self, name: str, sender: Sender, text: str, rows: Sequence[Row]) -> None:
        audience = await self._upload(name, sender, rows)
        await self._order(name, sender, text, audience, len(rows))

    async def _upload(self, name: str, sender: Sender, rows: Sequence[Row]) -> str:
        path = self._keeper.audience(name, HEAD, ((r.number, r.name, r.points) for r in rows))
        answer = await self._client(sender).upload_audience(
            path, statement=_STATEMENT, relation="members", number_column=HEAD[0], columns=COLUMNS
        )
        wrong = {_reason(fault): count for fault, count in answer["faults"].items()}
        self.told.wrong[{"main": "first"}.get(name, name)] = wrong
        self._show.say(f"{path.name}: {answer['rows']:,} rows, {answer['wrong']:,} wrong 号码有误")
        return str(answer["id"])

    async def _order(
        self, name: str, sender: Sender, text: str, audience: str, rows: int,
        not_before: datetime | None = None,
    ) -> None:  # fmt: skip
        numbers = [row.number for row in self._rows_of(name)]
        self._keeper.submitted(self._clock.now_ns(), name, numbers, sender.code, "marketing")
        await self._client(sender).create_campaign(
            name=name, audience=audience, sender=sender.code, purpose="marketing", text=text,
            not_before=not_before,
        )  # fmt: skip
        self.told.handed_in[name] = rows

    def _rows_of(self, name: str) -> Sequence[Row]:
        scenario = self._scenario
        return {
            "morning": scenario.greeted, "announced": scenario.announced,
            "readers": scenario.readers,
        }.get(name, scenario.audience)  # fmt: skip

    # Codes and notices ---------------------------------------------------------------------------

    async def _codes(self, campaign: int) -> None:
        """Send the codes one by one, spread over the time that the campaign takes."""
        codes = self._scenario.codes
        pause = campaign / sum(RATES.values()) / len(codes)
        sent: list[tuple[int, Code]] = []
        async with asyncio.TaskGroup() as group:
            for code in codes:
                group.create_task(self._code(code, sent))
                await asyncio.sleep(max(pause, 0.01))
        for t, code in sorted(sent, key=lambda one: one[0]):
            self._keeper.submitted(t, "codes", [code.number], code.sender.code, "verification")
        self.told.handed_in["codes"] = len(sent)

    async def _code(self, code: Code, sent: list[tuple[int, Code]]) -> None:
        sent.append((self._clock.now_ns(), code))
        await self._client(code.sender).send(
            sender=code.sender.code, purpose="verification", template="code",
            messages=[{"to": code.number, "variables": {"code": code.code}}],
        )  # fmt: skip

    async def _afterwards(self, refusers: Sequence[str]) -> None:
        """A notice to everybody who refused the mall, and codes to some of them."""
        if not refusers:
            return
        recent = {code.number for code in self._scenario.codes if code.sender is MALL}
        to = [person for person in refusers if person not in recent][:_AFTERWARDS]
        for place, person in enumerate(to):
            t = self._clock.now_ns()
            await self._code(Code(MALL, person, f"{730_000 + place}"), [])
            self._keeper.submitted(t, "codes-afterwards", [person], MALL.code, "verification")
        self._keeper.submitted(self._clock.now_ns(), "notices", refusers, MALL.code, "notification")
        await self._client(MALL).send(
            sender=MALL.code, purpose="notification", template="shipped",
            messages=[
                {"to": person, "variables": {"order": f"HT{place:06d}"}}
                for place, person in enumerate(refusers)
            ],
        )  # fmt: skip
        self.told.codes_afterwards = to
        self.told.handed_in["codes-afterwards"] = len(to)
        self.told.handed_in["notices"] = len(refusers)

    def _refusers(self) -> list[str]:
        """Return who refused the mall so far, by the carriers' records."""
        ports = {row[0]: Port(*row) for row in cast.ports()}
        found: dict[str, None] = {}
        for name in cast.CARRIERS:
            pdus = read_pdus(self._keeper.directory / f"carrier-{name}.jsonl")
            for reply in replies_of(pdus, ports.values()):
                port = ports.get(reply.port)
                if port is not None and port.sender == MALL.code and refuses(reply.text):
                    found[reply.person] = None
        self.told.refusers = list(found)
        return self.told.refusers

    # Waiting -------------------------------------------------------------------------------------

    async def _rest(self, words: str) -> None:
        """Wait until nothing is under way, at the carriers or in the platform.

        Raises AssentError after a minute, naming what did not end.
        """
        total, quiet = 0, 0
        until = self._clock.now() + REST_S
        state: dict[str, int] = {}
        with self._show.progress(words) as tell:
            while quiet < 2:
                await asyncio.sleep(_POLL_S)
                self._stage.check()
                state = await self._ledger.waiting()
                state["carriers"] = await self._stage.carriers_wait()
                quiet = quiet + 1 if not any(state.values()) else 0
                total = max(total, state["open"])
                tell(total - state["open"], total)
                if self._clock.now() > until:
                    left = ", ".join(f"{name} {count}" for name, count in state.items() if count)
                    raise AssentError("demo_unsettled", f"after {REST_S:.0f} s: {left}")

    def _client(self, sender: Sender) -> AsyncClient:
        return self._clients[sender.account]


def _reason(fault: str) -> str:
    """Return the reason code for a fault that an upload names."""
    return FAULT_CODES[Fault[fault.upper()] - 1]
