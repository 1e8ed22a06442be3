"""The chain that a message leaves over: what the tables say of each link, in memory.

Verified account → qualified sender → authorisation → active port → words. It is read with the
catalogue and asked the same question for an order, a chunk of a campaign, a text of a customer's
link and a queued batch (docs/design/2026-11-22-admission.md). Dates are compared when the question
is asked: what was worked out is kept until something changes or the day does, so that an order
costs one look-up.

The purpose `system` has no sender, so nothing imposed on one may stop it; it is owed to receivers
also when the operator's own licence has lapsed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Final

from assent.flow.chain_rows import Entity, Letter, Rows, was_revoked, ways
from assent.flow.order import Account, Port, Sender
from assent.flow.restricted import Restricted
from assent.message import NO_WORDS, Purpose
from assent.registry.papers import Opening, Paper, Qualified, Seen
from assent.registry.qualify import agent, base, last_day, operator, qualify
from assent.registry.table import FINANCE, Table

CHINA_MINUTES: Final = 480
"""East of UTC: papers name days of the country's calendar."""

_NUMBER: Final = "number_certificate"
_GONE: Final = frozenset({"revoked", "cooling", "recycled"})
_NEVER: Final = float("inf")


@dataclass(frozen=True, slots=True)
class Walk:
    """What walking the chain found. `broken`: codes of broken links. `over`: one of them is broken
    for good, so that what waits for it ends. `messages`: how many an account that was admitted
    provisionally may send a day, None: no such limit. The accounts of an entity share it evenly."""

    broken: frozenset[str]
    over: bool = False
    messages: int | None = None
    restricted: bool = False  # and it is over for that alone


WHOLE: Final = Walk(frozenset())


@dataclass(slots=True)
class _Found:
    """What walking finds, while it walks."""

    broken: set[str] = field(default_factory=set)
    over: bool = False
    limited: bool = False

    def add(self, code: str, *, over: bool = False) -> None:
        self.broken.add(code)
        self.over |= over


class Chain:
    """The links as of the last :meth:`take`. `version` grows whenever an answer may differ: rows
    came, a day began, a stop began or ended. `restricted`: what is restricted besides."""

    def __init__(self, table: Table, zone_minutes: int = CHINA_MINUTES) -> None:
        self._table = table
        self._zone_s = zone_minutes * 60
        self.version = 0
        self._rows = Rows({}, {}, {}, {})
        self._letters_to: dict[int, list[Letter]] = {}
        self._groups_of: dict[int, set[int]] = {}
        self._operator: int | None = None
        self._sharing: Counter[int | None] = Counter()
        self._known: dict[tuple[int, int, int, int, Purpose], Walk] = {}
        self._qualified: dict[tuple[int, str, Purpose], Qualified] = {}
        self._based: dict[int, Opening] = {}
        self._numbers: tuple[Paper, ...] = ()
        self._operating = False
        self._today = date.min
        self._from, self._until = _NEVER, -_NEVER
        self.restricted = Restricted()

    def take(self, rows: Rows) -> None:
        """Take what was read; the next question sees all of it."""
        self._rows = rows
        letters: dict[int, list[Letter]] = defaultdict(list)
        for letter in rows.letters.values():
            letters[letter.agent].append(letter)
        self._letters_to = dict(letters)
        groups: dict[int, set[int]] = defaultdict(set)
        for sender in rows.senders.values():
            if sender.entity_id is not None:
                groups[sender.entity_id].add(sender.group_id)
        self._groups_of = dict(groups)
        self._sharing = Counter(
            account.entity_id for account in rows.accounts.values() if account.status != "closed"
        )
        owners = (a for a in rows.accounts.values() if a.kind == "operator")
        self._operator = next((a.entity_id for a in owners), None)
        self._from, self._until = _NEVER, -_NEVER  # whatever the time is, look anew
        self.version += 1

    # The question ----------------------------------------------------------------------------

    def broken(
        self, account: int, sender: int, port: int, template: int, purpose: Purpose, now: float
    ) -> frozenset[str]:
        """Return the codes of the links that are broken, none if the chain is whole.

        `template`: its id, 0 for a text that was filed as none, NO_WORDS for what is reviewed by
        itself. `now`: unix seconds.
        """
        return self.walk(account, sender, port, template, purpose, now).broken

    def walk(
        self, account: int, sender: int, port: int, template: int, purpose: Purpose, now: float
    ) -> Walk:
        """Return the same with what follows from it."""
        if not self._from <= now < self._until:
            self._turn(now)
        key = (account, sender, port, template, purpose)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._walk(account, sender, port, template, purpose, now)
        return found

    def as_of(self, now: float) -> int:
        """Return the version for a moment: another one means that answers may differ."""
        if not self._from <= now < self._until:
            self._turn(now)
        return self.version

    def today(self, now: float) -> date:
        """Return the country's calendar day of a moment."""
        self.as_of(now)
        return self._today

    def _turn(self, now: float) -> None:
        """Begin a day, or a part of one between two moments at which stops begin or end."""
        days, _ = divmod(now + self._zone_s, 86_400)
        begin = days * 86_400 - self._zone_s
        edges = [begin, begin + 86_400]
        edges += [edge for stop in self._rows.stops for edge in (stop.since, stop.until)]
        self._from = max(edge for edge in edges if edge <= now)
        self._until = min(edge for edge in edges if edge > now)
        self._today = datetime.fromtimestamp(begin + self._zone_s, UTC).date()
        self._known, self._qualified, self._based = {}, {}, {}
        papers = self._papers(self._operator)
        self._operating = operator(self._table, papers, self._today).opening is Opening.FULL
        self._numbers = tuple(p for p in papers if p.kind == _NUMBER and self._in_force(p))
        self.version += 1

    def accounts_of(self, account: int) -> tuple[int, ...]:
        """Return an account and those that it is a sub-account of."""
        found = [account]
        while (row := self._rows.accounts.get(found[-1])) and row.parent_id not in (None, *found):
            found.append(int(row.parent_id or 0))
        return tuple(found)

    def acted_for(self, account: int) -> list[Sender]:
        """Return the senders that an account acts for."""
        return [s for s in self._rows.senders.values() if (account, s.id) in self._rows.may]

    def group_of(self, sender: int) -> int | None:
        """Return the group of a sender by now."""
        row = self._rows.senders.get(sender)
        return None if row is None else row.group_id

    def papers_in_force(self, entity: int | None, now: float) -> tuple[Paper, ...]:
        """Return an entity's papers that were accepted, seen better than as a scan, and hold."""
        self.as_of(now)
        return tuple(paper for paper in self._papers(entity) if self._in_force(paper))

    def industry_of(self, sender: Sender) -> str:
        """Return what a sender's entity was admitted for, '' where it has none."""
        return self._industry(sender)

    def finance(self, sender: Sender) -> bool:
        """Tell whether rules for finance bind a sender; one that nobody knows they do."""
        known = self._table.industry(self._industry(sender))
        return known is None or known.finance

    def _in_force(self, paper: Paper) -> bool:
        last = last_day(self._table, paper)
        return (
            paper.accepted
            and paper.seen >= Seen.PAPER
            and (paper.valid_from is None or paper.valid_from <= self._today)
            and (last is None or self._today <= last)
        )

    def _papers(self, entity: int | None) -> tuple[Paper, ...]:
        return () if entity is None else self._rows.papers.get(entity, ())

    # Link by link ----------------------------------------------------------------------------

    def _walk(
        self,
        account_id: int,
        sender_id: int,
        port_id: int,
        template: int,
        purpose: Purpose,
        now: float,
    ) -> Walk:
        if purpose is Purpose.SYSTEM:
            return WHOLE
        rows, found = self._rows, _Found()
        account, sender = rows.accounts.get(account_id), rows.senders.get(sender_id)
        port = rows.ports.get(port_id)
        self._account(account, found)
        qualified = self._sender(sender, purpose, found)
        if port is None:
            found.add("port_inactive", over=True)
        else:
            self._port(port, found)
            self._number(port, found)
            if account is not None and sender is not None:
                self._authority(account, sender, purpose, port.signature, found)
        if sender is not None and qualified is not None:
            self._class(sender, purpose, qualified, now, found)
            self._words(sender, template, purpose, qualified, found)
            industry = self._industry(sender)
            known = self._table.industry(industry)
            narrow = purpose is Purpose.MARKETING or known is None or known.finance
            if found.limited and narrow:
                found.add("provisional_scope")
        messages = None
        if found.limited and account is not None:
            # Who opens a second account does not get the messages of two.
            sharing = max(1, self._sharing[account.entity_id])
            messages = self._table.provisional_messages // sharing
        if not found.broken and messages is None:
            return WHOLE
        return Walk(frozenset(found.broken), found.over, messages)

    def _account(self, account: Account | None, found: _Found) -> None:
        if account is None or account.status == "closed":
            found.add("account_suspended", over=True)
            return
        if account.status == "suspended":
            found.add("account_suspended")
        elif account.status == "applied":
            found.add("account_not_verified")
        entity = self._rows.entities.get(account.entity_id or 0)
        if entity is None:
            found.add("account_not_verified")
            return
        if entity.status != "active":
            found.add("account_suspended", over=entity.status == "revoked")
        opening = self._based.get(entity.id)
        if opening is None:
            papers = self._papers(entity.id)
            opening = self._based[entity.id] = base(self._table, papers, self._today).opening
        if opening is Opening.NO:
            found.add("account_not_verified")
        found.limited |= opening is Opening.PROVISIONAL or account.status == "provisional"

    def _sender(self, sender: Sender | None, purpose: Purpose, found: _Found) -> Qualified | None:
        if sender is None or sender.status == "closed":
            found.add("sender_suspended", over=True)
        elif sender.status != "active":
            found.add("sender_suspended")
        if sender is None:
            return None
        entity = self._rows.entities.get(sender.entity_id or 0)
        if entity is None:
            found.add("sender_not_qualified")
            return None
        if entity.status != "active":
            found.add("sender_suspended", over=entity.status == "revoked")
        qualified = self._qualify(entity, purpose)
        if qualified.opening is Opening.NO:
            found.add("sender_not_qualified")
        found.limited |= qualified.opening is Opening.PROVISIONAL
        return qualified

    def _qualify(self, entity: Entity, purpose: Purpose) -> Qualified:
        key = (entity.id, entity.industry, purpose)
        known = self._qualified.get(key)
        if known is None:
            papers = self._papers(entity.id)
            known = qualify(self._table, entity.industry, purpose, papers, self._today)
            self._qualified[key] = known
        return known

    def _industry(self, sender: Sender) -> str:
        entity = self._rows.entities.get(sender.entity_id or 0)
        return "" if entity is None else entity.industry

    def _names(self, industry: str) -> frozenset[str]:
        """Return what a stop may call an industry: its words, and those of finance as a class. One
        that the table does not know is taken for finance, the strictest."""
        known = self._table.industry(industry)
        if known is None:
            return frozenset({industry, FINANCE})
        classes = {FINANCE, known.kind.value} if known.finance else set()
        return frozenset({industry, known.name, *classes})

    def _number(self, port: Port, found: _Found) -> None:
        """The operator's own licences, and the certificate that this number stands on: one that
        names none in its scope stands for all of them."""
        held = any(
            not paper.scope or any(port.number.startswith(prefix) for prefix in paper.scope)
            for paper in self._numbers
        )
        if not (self._operating and held):
            found.add("operator_licence")

    @staticmethod
    def _port(port: Port, found: _Found) -> None:
        if port.status == "applied":
            found.add("port_not_filed")
        elif port.status != "active":
            found.add("port_inactive", over=port.status in _GONE)
        if port.signature_lapsed:
            found.add("signature_lapsed")

    def _class(
        self, sender: Sender, purpose: Purpose, qualified: Qualified, now: float, found: _Found
    ) -> None:
        names = self._names(self._industry(sender))
        for stop in self._rows.stops:
            if (
                stop.since <= now < stop.until
                and (not stop.industries or names & stop.industries)
                and (not stop.purposes or stop.purposes >> purpose & 1)
                and not (stop.except_licensed and qualified.licensed)
            ):
                found.add("class_stopped")

    def _words(
        self,
        sender: Sender,
        template_id: int,
        purpose: Purpose,
        qualified: Qualified,
        found: _Found,
    ) -> None:
        if template_id == NO_WORDS:
            return
        if not template_id:
            if not qualified.free_text:
                found.add("free_text_not_allowed")
            return
        template = self._rows.templates.get(template_id)
        if (
            template is None
            or not template.active
            or (template.sender_id, template.purpose) != (sender.id, purpose)
        ):
            found.add("template_not_approved")

    # Authority -------------------------------------------------------------------------------

    def _authority(
        self, account: Account, sender: Sender, purpose: Purpose, signature: str, found: _Found
    ) -> None:
        """The sender's own account needs no letter; anybody else one in force for this purpose and
        signature, directly or through one agent of the sender's, and a licence to act for others
        unless it belongs to the sender's group."""
        mine, theirs = account.entity_id, sender.entity_id
        if (account.id, sender.id) not in self._rows.may:
            found.add("not_authorised")
            return
        if mine is None or theirs is None or mine == theirs:
            if mine is None or theirs is None:
                found.add("not_authorised")
            return
        held = self._letters_to.get(mine, ())
        parts = self._rows, held, mine, theirs, purpose, signature
        found_ways = ways(*parts, self._today)
        if not found_ways:
            found.add("not_authorised", over=was_revoked(*parts))
            return
        kin = account.kind != "agent" and sender.group_id in self._groups_of.get(mine, ())
        industry = self._industry(sender)
        licensed = any(
            all(self._may_act(agent_id, industry, purpose) for agent_id in way)
            for way in found_ways
            if len(way) > 1 or not kin
        )
        direct = kin and any(len(way) == 1 for way in found_ways)
        if not (licensed or direct):
            found.add("agent_not_licensed")

    def _may_act(self, entity: int, industry: str, purpose: Purpose) -> bool:
        held = self._rows.entities.get(entity)
        if held is None or held.status != "active":
            return False
        papers = self._papers(entity)
        found = agent(self._table, industry, purpose, papers, self._today)
        return found.opening is Opening.FULL
