"""Accounts, senders, ports, programmes and templates as every process holds them in memory.

Small tables, read whole at start and again whenever their change is announced on the channel
`catalogue`. What an order names is looked up here; who may use it is checked here too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow.chain import Chain
from assent.flow.chain_rows import Entity, Rows, letter_of, papers_of, stop_of
from assent.flow.needs import Queries
from assent.flow.order import SMS, VIDEO, Account, Port, Programme, Sender, Template
from assent.flow.pricing import Pricing
from assent.flow.scopes import provinces_of
from assent.message import Purpose
from assent.registry.table import Table
from assent.registry.templates import stored

CHANNEL: Final = "catalogue"


class Catalogue:
    """Who sends, as of the last :meth:`load`. `video`: carriers that take video messages, and
    nothing else; looked at each time, so that it may change. `chain`: what the same tables say of
    who may send; read together, so that neither is ahead of the other."""

    def __init__(self, video: Collection[str] = (), table: Table | None = None) -> None:
        self.video = video
        self._table = table or Table.load()
        self.chain = Chain(self._table)
        self.accounts: dict[int, Account] = {}
        self.senders: dict[int, Sender] = {}
        self.programmes: dict[int, Programme] = {}
        self.templates: dict[int, Template] = {}
        self.ports: dict[int, Port] = {}
        self.hosts: dict[int, frozenset[str]] = {}  # sender → hosts that its links may lead to
        self._sender_by_code: dict[str, Sender] = {}
        self._may: set[tuple[int, int]] = set()
        self._ports_by_number: dict[str, list[Port]] = {}
        self._ports_of: dict[int | None, list[Port]] = {}
        self._templates_of: dict[tuple[int, Purpose], list[Template]] = {}
        self.group_programmes: dict[int, list[int]] = {}
        self.operator: Account | None = None
        self.ledger_held = False  # marketing is off: the ledger is not the one that was
        self.pricing = Pricing()

    async def load(self, queries: Queries) -> None:
        """Read everything anew; readers see either the old state or the new. (long: a line a
        table)"""
        accounts = {r["id"]: _account(r) for r in await queries.fetch("accounts_all")}
        entities = {r["id"]: _entity(r) for r in await queries.fetch("entities_all")}
        senders = {r["id"]: self._sender(r, entities) for r in await queries.fetch("senders_all")}
        programmes = {r["id"]: _programme(r) for r in await queries.fetch("programmes_all")}
        templates = {r["id"]: _template(r) for r in await queries.fetch("templates_all")}
        ports = {r["id"]: _port(r) for r in await queries.fetch("ports_all")}
        hosts: dict[int, set[str]] = defaultdict(set)
        for row in await queries.fetch("hosts_all"):
            hosts[row["sender_id"]].add(row["host"])
        may = {(r["account_id"], r["sender_id"]) for r in await queries.fetch("account_senders")}
        await self.pricing.load(queries)
        rows = Rows(
            accounts,
            senders,
            ports,
            templates,
            frozenset(may),
            entities,
            papers_of(await queries.fetch("papers_all")),
            {r["id"]: letter_of(r) for r in await queries.fetch("letters_all")},
            tuple(stop_of(r) for r in await queries.fetch("class_stops")),
        )
        by_number: dict[str, list[Port]] = defaultdict(list)
        ports_of: dict[int | None, list[Port]] = defaultdict(list)
        for port in ports.values():
            by_number[port.number].append(port)
            ports_of[port.sender_id].append(port)
        templates_of: dict[tuple[int, Purpose], list[Template]] = defaultdict(list)
        for template in templates.values():
            if template.status == "active":
                templates_of[template.sender_id, template.purpose].append(template)
        group_programmes: dict[int, list[int]] = defaultdict(list)
        for programme in programmes.values():
            group_programmes[senders[programme.sender_id].group_id].append(programme.id)
        self.accounts, self.senders, self.programmes = accounts, senders, programmes
        self.templates, self.ports, self._may = templates, ports, may
        self._sender_by_code = {sender.credit_code: sender for sender in senders.values()}
        self._ports_by_number, self._ports_of = dict(by_number), dict(ports_of)
        self._templates_of = dict(templates_of)
        self.hosts = {sender: frozenset(some) for sender, some in hosts.items()}
        self.group_programmes = dict(group_programmes)
        self.operator = next((a for a in accounts.values() if a.kind == "operator"), None)
        self.ledger_held = bool(await queries.fetchval("recovery_open"))
        await self.chain.restricted.load(queries)
        self.chain.take(rows)

    def _sender(self, r: Any, entities: Mapping[int, Entity]) -> Sender:
        """Return a sender; the rules file it under what its entity was admitted for."""
        entity = entities.get(r["entity_id"] or 0)
        admitted = "" if entity is None else self._table.category(entity.industry)
        return _sender(r, admitted or r["industry"])

    # Look-ups that check the caller ------------------------------------------------------

    def sender_for(self, account: Account, code: str) -> Sender:
        """Return a sender that an account acts for and that may act, by its credit code.

        Raises NotAllowed, the same for a sender that does not exist.
        """
        sender = self.sender_of(account, code)
        if not sender.active:
            raise NotAllowed(
                "sender_suspended",
                "the sender is suspended",
                field="sender",
                mend="ask the operator about the case",
            )
        return sender

    def sender_of(self, account: Account, code: str) -> Sender:
        """Return a sender that an account acts for, however it stands. Raises NotAllowed."""
        sender = self._sender_by_code.get(code)
        if sender is None or (account.id, sender.id) not in self._may:
            raise NotAllowed(
                "unknown_sender",
                "this account acts for no such sender",
                field="sender",
                mend="use the credit code of a sender that was admitted for this account",
            )
        return sender

    def senders_held(self, account_id: int) -> list[Sender]:
        """Return the senders that an account acts for."""
        return [one for one in self.senders.values() if (account_id, one.id) in self._may]

    def channel_of(self, port: Port) -> str:
        """Return what goes out from a port: its carrier takes either texts or videos."""
        return VIDEO if port.carrier in self.video else SMS

    def ports_for(
        self, sender: Sender, purpose: Purpose, number: str | None, channel: str = SMS
    ) -> dict[str, Port]:
        """Return the sender's port on each carrier of a channel for a purpose, or the one it names;
        on each carrier one in use, if there is any. Raises NotFound.
        """
        found = [
            port
            for port in self._ports_of.get(sender.id, ())
            if self.channel_of(port) == channel
            and (port.number == number if number else port.purpose is purpose)
        ]
        if not found:
            raise NotFound(
                "no_port",
                "the sender has no such port"
                if number
                else "the sender has no port for this purpose",
                field="port",
                rule="CN-23",
                mend="name a port that was approved for this sender and purpose",
            )
        first: dict[str, Port] = {}
        for port in sorted(found, key=lambda port: (not port.active, port.id)):
            first.setdefault(port.carrier, port)
        return first

    def ports_held(self, account_id: int, number: str) -> list[Port]:
        """Return the ports for texts with a number, of senders that an account acts for; those in
        use first."""
        held = [
            port
            for port in self._ports_by_number.get(number, ())
            if port.sender_id is not None
            and (account_id, port.sender_id) in self._may
            and self.channel_of(port) == SMS
        ]
        return sorted(held, key=lambda port: not port.active)

    def programme_for(self, sender: Sender, name: str | None, ports: dict[str, Port]) -> int:
        """Return the id of a programme of the sender: the named one, else the port's, else 0."""
        if name is None:
            return next((p.programme_id for p in ports.values() if p.programme_id), 0) or 0
        for programme in self.programmes.values():
            if programme.sender_id == sender.id and programme.name == name:
                return programme.id
        raise NotFound(
            "no_programme",
            "the sender has no such programme",
            field="programme",
            mend="use the name of a programme of this sender",
        )

    def template_for(self, sender: Sender, name: str) -> Template:
        """Return a template of the sender by name: the version in use, else the last one, however
        it stands. Raises NotFound."""
        last: Template | None = None
        for template in self.templates.values():
            if template.sender_id == sender.id and template.name == name:
                if template.status == "active":
                    return template
                if last is None or template.version > last.version:
                    last = template
        if last is not None:
            return last
        raise _no_template()

    def template_version(self, sender: Sender, version: int) -> Template:
        """Return the version of a template that an order began with. Raises NotFound when it was
        taken back."""
        template = self.templates.get(version)
        if template is None or template.sender_id != sender.id or not template.active:
            raise _no_template()
        return template

    def templates_of(self, sender: Sender, purpose: Purpose) -> Sequence[Template]:
        """Return the approved templates of a sender for a purpose."""
        return self._templates_of.get((sender.id, purpose), ())

    # Look-ups for inbound -----------------------------------------------------------------

    def ports_at(self, destination: str, carrier: str) -> list[Port]:
        """Return the ports that a reply to a number concerns, the longest number first found.

        A receiver may answer to a port with extension digits; a port that was revoked still
        counts. Ports of that number on other carriers count when there is none on this one, and
        all of them where no carrier is named.
        """
        for length in range(len(destination), 2, -1):
            ports = self._ports_by_number.get(destination[:length])
            if ports:
                return [port for port in ports if port.carrier == carrier] or ports
        return []

    def service_port(self, carrier: str) -> Port | None:
        """Return the operator's own port on a carrier."""
        for port in self.ports.values():
            if port.sender_id is None and port.carrier == carrier and port.active:
                return port
        return None

    def groups(self) -> list[int]:
        """Return every group."""
        return sorted({sender.group_id for sender in self.senders.values()})

    def senders_of_group(self, group: int) -> list[Sender]:
        """Return the senders of a group."""
        return [sender for sender in self.senders.values() if sender.group_id == group]


def one_signature(ports: dict[str, Port]) -> Port:
    """Return any of an order's ports, after checking that they agree in what is judged.

    Raises InvalidInput when they differ in purpose or signature.
    """
    ports_list = list(ports.values())
    first = ports_list[0]
    for port in ports_list[1:]:
        if (port.signature, port.purpose) != (first.signature, first.purpose):
            raise InvalidInput(
                "ports_differ",
                "the port's signature or purpose is not the same on every carrier",
                field="port",
                mend="name a port that is filed alike on all carriers",
            )
    return first


def _no_template() -> NotFound:
    return NotFound(
        "no_template",
        "the sender has no such template",
        field="template",
        mend="use the name of an approved template of this sender",
    )


def _account(r: Any) -> Account:
    return Account(
        r["id"],
        r["name"],
        r["kind"],
        r["status"] in ("active", "provisional"),
        r["price_micro"],
        r["price_video_micro"],
        r["status"],
        r["entity_id"],
        r["currency"],
        r["parent_id"],
        organisation=r["class"] == "organisation",
    )


def _sender(r: Any, industry: str) -> Sender:
    return Sender(
        r["id"],
        r["group_id"],
        r["credit_code"],
        r["legal_name"],
        r["contact"],
        r["status"] == "active",
        industry,
        r["status"],
        r["entity_id"],
    )


def _programme(r: Any) -> Programme:
    return Programme(
        r["id"], r["sender_id"], r["name"], r["purposes"], r["wording_version"], r["channel"]
    )


def _template(r: Any) -> Template:
    read = stored(r["body"])
    return Template(
        r["id"],
        r["sender_id"],
        r["name"],
        Purpose(r["purpose"]),
        read.body,
        r["basis"],
        r["status"] in ("active", "replaced"),
        r["status"],
        r["version"],
        read.variables,
    )


def _port(r: Any) -> Port:
    return Port(
        r["id"],
        r["number"],
        r["carrier"],
        r["sender_id"],
        Purpose(r["purpose"]),
        r["signature"],
        r["programme_id"],
        r["free_to_reply"],
        r["service_code"],
        r["status"] == "active",
        r["status"],
        r["signature_lapsed_at"] is not None,
        provinces_of(r["scope"]),
    )


def _entity(r: Any) -> Entity:
    return Entity(r["id"], r["industry"], r["status"])
