"""Submit: validate → gather facts → decide → one transaction. Only then "accepted".

There is one path: a code to one person and a campaign's chunk of a thousand are arrays of
different length. Judging reads memory (standing, caps, numbers); what memory may have wrong
by a moment, dispatch checks again under its locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.flow.batches import Gathered, expiry, make_batches
from assent.flow.bound import blocked, order_facts, whole_hold
from assent.flow.catalogue import one_signature
from assent.flow.chain import Chain
from assent.flow.chain_facts import NOTHING, Money, chain_facts
from assent.flow.claims import ClaimBook
from assent.flow.ids import BatchIds
from assent.flow.live import Live
from assent.flow.needs import Store, utc
from assent.flow.order import Judged, Order, Port, repeated
from assent.flow.people import Directory
from assent.flow.pricing import Pricing
from assent.flow.refusal_links import RefusalLinks, with_links
from assent.flow.screening import Texts
from assent.flow.segments import segments_of, values_of
from assent.flow.text_cases import (
    ALLOWED,
    Case,
    Looked,
    record_of,
)
from assent.flow.write import write
from assent.message import BATCH_LIMIT, LANE_OF, NEEDS_STANDING, Network, Purpose
from assent.numbers import NumberTable, Places, zone_minutes
from assent.policy.decide import Decisions, Verdict, decide, leave_times
from assent.policy.facts import Content, Facts, People
from assent.policy.filing import filed_under
from assent.policy.probing import Probes
from assent.policy.reasons import BY_CODE, BY_NUMBER
from assent.policy.rulebook import Rulebook
from assent.text import PLAIN, Writing, compose

_TEXT_REASONS: Final = [BY_CODE[code].number for code in ("text_held", "text_rejected")]
_SMALL: Final = 50
_PLENTY: Final = 100_000
_RECENT_S: Final = 30.0


@dataclass(frozen=True, slots=True)
class Desk:
    """What judging needs: everything in memory but the balance."""

    clock: Clock
    chain: Chain
    directory: Directory
    live: Live
    book: ClaimBook
    numbers: NumberTable
    rulebook: Rulebook
    routes: Mapping[Network, str]  # network → carrier
    refusal_wording: str
    writings: Mapping[str, Writing] = field(default_factory=dict)  # carrier → its way, if its own
    video_routes: Mapping[Network, str] = field(default_factory=dict)
    detours: Mapping[str, str] = field(default_factory=dict)  # carrier that is away → another
    pricing: Pricing = field(default_factory=Pricing)
    links: RefusalLinks | None = None
    probes: Probes = field(default_factory=lambda: Probes({}))
    texts: Texts | None = None  # None: nobody screens, and every text passes


class Submit:
    """Judges orders and stores them."""

    def __init__(self, store: Store, desk: Desk, ids: BatchIds) -> None:
        self._store = store
        self._desk = desk
        self._ids = ids
        self._balances: dict[int, Money] = {}
        self.keep: Callable[[Order, Looked], Awaitable[tuple[Case, ...]]] | None = None

    # Judging ---------------------------------------------------------------------------------

    async def judge(self, order: Order, dry: bool = False) -> Judged:
        """Return what would become of an order; nothing is stored but people's ids and, unless
        `dry`, the text that a person has to look at.

        Raises InvalidInput for a missing variable or ports that differ.
        """
        desk = self._desk
        now = desk.clock.now()
        money = await self._money(order, now)
        people = order.people
        if people is None:
            people = await desk.directory.ids(self._store, order.numbers, utc(now))
        if order.purpose in NEEDS_STANDING:
            # A consent that was accepted a moment ago counts, in whichever process.
            await desk.live.sync(self._store)
        position = desk.live.position
        await self._ids.reserve(self._store, 1)
        number = self._ids.next()
        order = with_links(desk.links, order, people, desk.refusal_wording, number)
        looked = await self.look(order)
        category = self._category(order, looked)
        gathered = self._gather(order, people, money, (looked, category), now)
        decisions = decide(gathered.people, gathered.content, gathered.facts, desk.rulebook)
        await self._ids.reserve(self._store, 1 + self._batches_at_most(gathered, decisions))
        judged = self._judged(number, order, gathered, decisions, people, position, now)
        judged.screening = looked.record
        judged.category = category
        if decisions.restrictions:
            judged.restrictions = desk.chain.restricted.told(decisions.restrictions)
        if looked.cases:
            judged.cases = await self._stopped(judged, looked, dry)
            judged.screening = record_of(looked, judged.cases)
        return judged

    async def look(self, order: Order) -> Looked:
        """Return where an order's text stands with screening: a look-up, once it was seen."""
        texts = self._desk.texts
        if texts is None:
            return ALLOWED
        port = one_signature(dict(order.ports))
        return await texts.of(order, port, self._text(order, port))

    def _category(self, order: Order, looked: Looked) -> str:
        texts = self._desk.texts
        return "" if texts is None else texts.category(order, looked)

    async def waits(self, order: Order) -> bool:
        """Return whether an order waits as a whole until a person has freed what restricts it."""
        if self._desk.chain.restricted.none:
            return False
        category = self._category(order, await self.look(order))
        return whole_hold(self._desk.chain, order, category, self._desk.clock.now())

    async def _stopped(self, judged: Judged, looked: Looked, dry: bool) -> tuple[Case, ...]:
        """Return what is in the way of an order, put up for review where that is all that is."""
        mine = np.isin(judged.reason, _TEXT_REASONS).any()
        if dry or not mine or self._desk.texts is None or self.keep is None:
            return looked.cases if mine else ()
        return await self.keep(judged.order, looked)

    def _text(self, order: Order, port: Port) -> str:
        if order.video is not None:  # what was reviewed goes out as it is
            return order.content
        marketing = order.purpose is Purpose.MARKETING
        refusal = self._desk.refusal_wording if marketing else None
        return compose(port.signature, order.content, refusal)

    async def _money(self, order: Order, now: float) -> Money:
        """Return what the account may spend. For a small order of an account with plenty, what
        was read a moment ago will do: whether the money is there is decided when it is taken."""
        account = order.account
        seen = self._balances.get(account.id, NOTHING)
        if (
            len(order.rows) > _SMALL
            or now - seen.at > _RECENT_S
            or seen.least < _PLENTY * max(self._prices(order, list(order.ports), now))
        ):
            row = await self._store.fetchrow("balance_today", account.id)
            if row is not None:
                today = row["day"], row["day_messages"], row["day_spent"], row["daily_limit"]
                seen = Money(row["available"], *today, now)
            else:
                seen = NOTHING
            self._balances[account.id] = seen
        return seen

    def _prices(self, order: Order, carriers: list[str], now: float) -> list[int]:
        """Return the price of a segment on each carrier."""
        price = self._desk.pricing.price
        return [price(order.account, order.purpose, one, order.channel, now) for one in carriers]

    def _gather(
        self,
        order: Order,
        people: npt.NDArray[np.uint32],
        money: Money,
        text_is: tuple[Looked, str],
        now: float,
    ) -> Gathered:
        # long: every column that is judged
        desk = self._desk
        places, port = desk.numbers.lookup(order.numbers), one_signature(dict(order.ports))
        text = self._text(order, port)
        names, carriers = self._routes(order, places.network)
        if order.video is None:
            writings = [desk.writings.get(name, PLAIN).signed(port.signature) for name in names]
            segments = segments_of(text, order.variables, writings, carriers)
        else:
            writings = [PLAIN] * len(names)
            segments = np.ones(len(people), np.uint8)
        columns = People(
            people,
            places.network,
            zone_minutes(order.numbers),
            order.faults,
            order.duplicates if order.duplicates is not None else repeated(people),
        )
        content = Content(
            order.purpose,
            text,
            segments,
            values=values_of(order.variables),
            categories=filed_under(order.sender.industry, order.relation),
        )
        looked, category = text_is
        links, most = self._links(order, carriers, places, money, category, now)
        links["screening"] = looked.facts
        prices = np.array(self._prices(order, names, now), np.int64)
        facts = self._facts(order, port, columns, content, carriers, prices, links, now)
        return Gathered(
            columns, content, facts, text, carriers, names, writings, prices, most, places.province,
            category,
        )  # fmt: skip

    def _links(
        self,
        order: Order,
        carriers: npt.NDArray[np.int16],
        places: Places,
        money: Money,
        category: str,
        now: float,
    ) -> tuple[dict[str, Any], int | None]:
        """Return what the tables say against an order, as facts, and how many messages a day its
        account may send."""
        desk = self._desk
        links, most = chain_facts(desk.chain, order, carriers, (desk.numbers, places), now)
        links |= money.left(most, desk.chain.today(now)) | {"balance": money.available}
        where = carriers, places.province
        links["restrictions"] = order_facts(desk.chain, order, category, *where, now)
        links["broken"] |= desk.probes.broken(order.purpose, order.account.id, order.numbers, now)
        return links, most

    def writings(self, numbers: npt.NDArray[np.uint64]) -> list[Writing]:
        """Return how texts to some numbers are written, before it is known who signs them."""
        desk = self._desk
        ways = [desk.writings.get(desk.routes.get(network, ""), PLAIN) for network in Network]
        return [ways[network] for network in desk.numbers.lookup(numbers).network.tolist()]

    def _routes(
        self, order: Order, networks: npt.NDArray[np.uint8]
    ) -> tuple[list[str], npt.NDArray[np.int16]]:
        names, detours = list(order.ports), self._desk.detours
        by_network = np.full(len(Network), -1, np.int16)
        routes = self._desk.routes if order.video is None else self._desk.video_routes
        for network, usual in routes.items():
            # Only where the sender holds a port for the purpose: a port belongs to its carrier.
            other = order.via or detours.get(usual, usual)
            carrier = other if other in order.ports else usual
            if carrier in order.ports:
                by_network[network] = names.index(carrier)
        return names, by_network[networks]

    def _facts(
        self,
        order: Order,
        port: Port,
        people: People,
        content: Content,
        carriers: npt.NDArray[np.int16],
        prices: npt.NDArray[np.int64],
        links: Mapping[str, Any],
        now: float,
    ) -> Facts:
        desk = self._desk
        group, who = order.sender.group_id, people.person
        base: dict[str, Any] = {
            "now": now,
            "port_purpose": port.purpose,
            "port_active": any(p.active for p in order.ports.values()),
            "port_free_to_reply": all(p.free_to_reply for p in order.ports.values()),
            "port_signature": port.signature,
            "basis_filed": bool(order.basis),
            "contacts": (order.sender.contact,) if order.sender.contact else (),
            "not_before": order.not_before,
            "expires_at": expiry(order, now),
            "content_state": "approved" if order.video is None else order.video.state,
            **links,
        }
        leave = leave_times(people, content, Facts(**base), desk.rulebook)
        at: float | npt.NDArray[np.int64] = leave if len(leave) > 1 else float(leave[0])
        about = order.purpose, order.sender.id, group, who, people.zone, at, order.uncapped
        return Facts(
            **base,
            grade=desk.live.grades(order.programme_id, who, now),
            refused=desk.live.refused(group, order.programme_id, order.purpose, who, now),
            paused=desk.live.paused(group, order.purpose, who),
            reachable=carriers >= 0,
            blocked=blocked(desk.chain, order, who, carriers),
            # Who has no route (-1) is rejected for that, and costs nothing.
            price=content.segments.astype(np.int64) * prices[carriers],
            claims=desk.book.counts(*about),
        )

    @staticmethod
    def _batches_at_most(gathered: Gathered, decisions: Decisions) -> int:
        times = len(np.unique(decisions.defer_until))
        return len(gathered.names) * times + len(decisions) // BATCH_LIMIT + 1

    def _judged(
        self,
        number: int,
        order: Order,
        gathered: Gathered,
        decisions: Decisions,
        people: npt.NDArray[np.uint32],
        position: int,
        now: float,
    ) -> Judged:
        judged = Judged(
            submission_id=number,
            order=order,
            allowed=int((decisions.verdict == Verdict.ALLOW).sum()),
            cost=decisions.cost,
            reasons={},
            customer_reasons={},
            position=position,
            rulebook=decisions.rulebook_digest.hex(),
            numbers_digest=self._desk.numbers.digest,
            at=now,
            batches=[],
            message_ids=np.zeros(len(people), np.int64),
            verdict=decisions.verdict,
            reason=decisions.reason,
            findings=decisions.findings,
            people=people,
            defer_until=decisions.defer_until,
            segments=gathered.content.segments,
            prices=gathered.prices[gathered.carriers],
            day=self._desk.chain.today(now),
            messages_a_day=gathered.messages_a_day,
        )
        self._count_reasons(judged)
        make_batches(judged, gathered, decisions, now, self._ids.next)
        return judged

    @staticmethod
    def _count_reasons(judged: Judged) -> None:
        rejected = judged.reason[judged.verdict != Verdict.ALLOW]
        for number, count in Counter(rejected.tolist()).items():
            reason = BY_NUMBER[number]
            judged.reasons[reason.code] = count
            shown = reason.customer_code or reason.code
            judged.customer_reasons[shown] = judged.customer_reasons.get(shown, 0) + count

    # Storing ---------------------------------------------------------------------------------

    def sent(self, judged: Judged) -> None:
        """Note to which numbers an order goes that is stored now."""
        order, went = judged.order, judged.message_ids > 0
        self._desk.probes.note(order.purpose, order.account.id, order.numbers[went], judged.at)

    def forget_balance(self, account: int) -> None:
        """Ask for it anew: an order was not stored, and the money may be gone by now."""
        self._balances.pop(account, None)

    async def store(self, judged: Judged) -> bool:
        """Store an order by itself; its messages wait in the queue. See :func:`write`."""
        try:
            async with self._store.transaction() as tx:
                if not await write(tx, judged, None):
                    raise _Withdrawn  # rolls back what `judged.also` did
                if judged.batches:
                    await tx.execute("notify", "queue", str(int(LANE_OF[judged.order.purpose])))
        except _Withdrawn:
            return False
        return True


class _Withdrawn(Exception):
    """The order is not to be stored after all."""
