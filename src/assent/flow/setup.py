"""Filing accounts, senders, ports, programmes and templates from an operator's document.

This is the operator's hand-made register of who may send; what later admission adds are the
checks in front of it. Filing the same document again changes nothing but texts and prices;
money is deposited once a reference.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, Literal

import msgspec

from assent.errors import InvalidInput
from assent.flow.keys import STAFF_SCOPES, USUAL, make_key
from assent.flow.logins import LoginFile, file_login
from assent.flow.needs import Store, Transaction, utc
from assent.flow.setup_papers import EntityFile, LetterFile, PaperFiling
from assent.flow.vault import Vault
from assent.message import Purpose
from assent.registry.table import Table

_PurposeWord = Literal["verification", "notification", "marketing", "internal", "system"]


class KeyFile(msgspec.Struct, forbid_unknown_fields=True):
    """A key to make, if the account has none of that name. `name` is only for the answer."""

    name: str
    scopes: list[str] = msgspec.field(default_factory=lambda: sorted(USUAL))
    sandbox: bool = False


class AccountFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """An account. `price_micro`: of a segment; `price_video_micro`: of a video message, which
    it may not send where there is none. `entity`: the credit code of whose account it is; one
    that is nobody's sends nothing. `status`: of a new one; `provisional` where papers were seen as
    copies only. `class`: an organisation writes to its own members, and to nobody else. `deposits`:
    reference → micro-yuan. `links`: logins for its own software."""

    name: str
    entity: str | None = None
    status: Literal["applied", "provisional", "active"] = "active"
    kind: Literal["company", "agent", "operator"] = "company"
    class_: Literal["ordinary", "organisation"] = msgspec.field(default="ordinary", name="class")
    price_micro: int = 50_000
    price_video_micro: int | None = None
    senders: list[str] = msgspec.field(default_factory=list)
    deposits: dict[str, int] = msgspec.field(default_factory=dict)
    keys: list[KeyFile] = msgspec.field(default_factory=list)
    links: list[LoginFile] = msgspec.field(default_factory=list)


class ProgrammeFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What people agree to (CN-09: kinds, frequency and period are mandatory). `channel`: how they
    agree to get it; agreeing to one is not agreeing to the other."""

    name: str
    purposes: list[_PurposeWord]
    kinds: str
    frequency: str
    period: str
    wording: str
    channel: Literal["sms", "video"] = "sms"


class TemplateFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A text with variables; `basis` for what needs no standing."""

    name: str
    purpose: _PurposeWord
    body: str
    basis: str = ""


class PortFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A code number on some carriers, for one purpose."""

    number: str
    carriers: list[str]
    purpose: _PurposeWord
    signature: str
    programme: str | None = None
    free_to_reply: bool = True
    service_code: str = ""


class SenderFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A legal entity. `group`: its owner or brand; alone when not said. `industry`: one that
    the rulebook asks better proof of consent from, such as `finance`."""

    credit_code: str
    legal_name: str
    contact: str
    group: str | None = None
    industry: str = ""
    programmes: list[ProgrammeFile] = msgspec.field(default_factory=list)
    templates: list[TemplateFile] = msgspec.field(default_factory=list)
    ports: list[PortFile] = msgspec.field(default_factory=list)


class Register(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The document. `entities`: who is who, with papers; `letters`: who may send for whom;
    `service_ports`: the operator's own, for confirmations."""

    entities: list[EntityFile] = msgspec.field(default_factory=list)
    letters: list[LetterFile] = msgspec.field(default_factory=list)
    senders: list[SenderFile] = msgspec.field(default_factory=list)
    accounts: list[AccountFile] = msgspec.field(default_factory=list)
    service_ports: list[PortFile] = msgspec.field(default_factory=list)


PortCheck = Callable[[str, str, str], str | None]
"""Carrier, number and service code of a port → why its links cannot write them, or None."""


def _any_port(carrier: str, number: str, service_code: str) -> str | None:
    return None


async def file_register(
    store: Store,
    register: Register,
    at: float,
    random: Callable[[int], bytes],
    check_port: PortCheck = _any_port,
    vault: Vault | None = None,
) -> dict[str, Any]:
    """File a document in one transaction; return what was made, keys included. `vault` seals the
    secrets of customers' links.

    Raises InvalidInput naming what is wrong; nothing is filed then.
    """
    async with store.transaction() as tx:
        filing = _Filing(tx, at, random, check_port, vault)
        answer = await filing.run(register)
        await tx.execute("notify", "catalogue", "")
    return answer


class _Filing:
    def __init__(
        self,
        tx: Transaction,
        at: float,
        random: Callable[[int], bytes],
        check_port: PortCheck,
        vault: Vault | None,
    ) -> None:
        self._tx = tx
        self._vault = vault
        self._check_port = check_port
        self._seconds = at
        self._at = utc(at)
        self._random = random
        self._senders: dict[str, int] = {}
        self._secrets: dict[str, str] = {}
        self._papers = PaperFiling(tx, self._at, Table.load())

    async def run(self, register: Register) -> dict[str, Any]:
        for entity in register.entities:
            await self._papers.entity(entity)
        for letter in register.letters:
            await self._papers.letter(letter)
        for sender in register.senders:
            await self._sender(sender)
        for port in register.service_ports:
            await self._port(None, port, {}, "service_ports")
        keys: dict[str, str] = {}
        for account in register.accounts:
            keys |= await self._account(account)
        answer = {"senders": len(register.senders), "accounts": len(register.accounts)}
        return {**answer, "keys": keys, "secrets": self._secrets}

    async def _sender(self, file: SenderFile) -> None:
        group = await self._tx.fetchval("group_put", file.group or file.legal_name)
        sender = await self._tx.fetchval(
            "sender_put",
            group,
            file.credit_code,
            file.legal_name,
            file.contact,
            file.industry,
            self._at,
            await self._papers.sender(file.credit_code, file.legal_name, file.industry),
        )
        self._senders[file.credit_code] = sender
        programmes = {one.name: await self._programme(sender, one) for one in file.programmes}
        for template in file.templates:
            await self._template(sender, template)
        for port in file.ports:
            await self._port(sender, port, programmes, f"senders.{file.credit_code}.ports")

    async def _template(self, sender: int, file: TemplateFile) -> None:
        """File a template, as a new version where it says something else than the one in use."""
        same = (sender, file.name, file.body, file.basis)
        if await self._tx.fetchval("template_same", *same) is not None:
            return
        await self._tx.fetch("template_replace", sender, file.name, self._at)
        purpose = int(Purpose[file.purpose.upper()])
        words = (file.body, file.basis, self._at)
        await self._tx.fetchval("template_file", sender, file.name, purpose, *words)

    async def _programme(self, sender: int, file: ProgrammeFile) -> int:
        row = await self._tx.fetchrow(
            "programme_put",
            sender,
            file.name,
            sum(1 << Purpose[word.upper()] for word in set(file.purposes)),
            file.kinds,
            file.frequency,
            file.period,
            file.wording,
            self._at,
            file.channel,
        )
        if row is None or row["channel"] != file.channel:
            raise InvalidInput(
                "programme_channel",
                "people agreed to this programme for another channel",
                field=f"programmes.{file.name}.channel",
                rule="CN-08",
                mend="a programme keeps its channel; file another programme",
            )
        number: int = row["id"]
        return number

    async def _port(
        self, sender: int | None, file: PortFile, programmes: dict[str, int], field: str
    ) -> None:  # long: a row's columns, and each thing that may be wrong with it
        purpose = Purpose[file.purpose.upper()]
        if (sender is None) is not (purpose is Purpose.SYSTEM):
            raise InvalidInput(
                "port_purpose",
                "service ports have purpose system, senders' ports any other",
                field=f"{field}.{file.number}.purpose",
                mend="correct the purpose",
            )
        if file.programme is not None and file.programme not in programmes:
            raise InvalidInput(
                "no_programme",
                f"the sender has no programme {file.programme}",
                field=f"{field}.{file.number}.programme",
                mend="file the programme first",
            )
        if sender is not None and file.signature:
            await self._signature(sender, file, field)
        for carrier in file.carriers:
            self._check_writable(file, carrier, field)
            await self._check_free(sender, file, carrier, field)
            row = await self._tx.fetchrow(
                "port_put",
                file.number,
                carrier,
                sender,
                int(purpose),
                file.signature,
                programmes.get(file.programme) if file.programme else None,
                file.free_to_reply,
                file.service_code,
                self._at,
            )
            if row is None or row["purpose"] != purpose:
                raise InvalidInput(
                    "port_purpose",
                    "the port was approved for another purpose",
                    field=f"{field}.{file.number}.purpose",
                    rule="CN-23",
                    mend="a port keeps its purpose; file another number",
                )

    async def _signature(self, sender: int, file: PortFile, field: str) -> None:
        """File a port's signature for its sender, whom the operator vouches for."""
        words = (sender, file.signature, self._at)
        if await self._tx.fetchval("signature_file", *words) is None:
            raise InvalidInput(
                "signature_taken",
                "another sender has this signature",
                field=f"{field}.{file.number}.signature",
                rule="CN-71",
                mend="a signature is one sender's; use another name",
            )

    async def _check_free(
        self, sender: int | None, file: PortFile, carrier: str, field: str
    ) -> None:
        """Senders may share a number, but nobody gets one that cools from another."""
        if await self._tx.fetchval("port_cooling", file.number, carrier, sender):
            raise InvalidInput(
                "port_cooling",
                "the number was another sender's until lately",
                field=f"{field}.{file.number}",
                rule="ports: steps",
                mend="wait until it is recycled, or file another number",
            )

    def _check_writable(self, file: PortFile, carrier: str, field: str) -> None:
        fault = self._check_port(carrier, file.number, file.service_code)
        if fault is not None:
            raise InvalidInput(
                "port_unwritable",
                f"the links of {carrier} cannot write this port: {fault}",
                field=f"{field}.{file.number}.service_code",
                mend="use the service code that the carrier gave for this port",
            )

    async def _account(self, file: AccountFile) -> dict[str, str]:
        _check_scopes(file)
        prices = (file.price_micro, self._at, file.price_video_micro)
        fields = (file.name, file.kind, *prices, file.status, file.class_)
        account = await self._tx.fetchval("account_put", *fields)
        if file.entity is not None:
            entity = await self._papers.of(file.entity, f"accounts.{file.name}.entity")
            await self._tx.execute("register_account_entity", account, entity)
        await self._tx.execute("balance_open", account)
        for code in file.senders:
            if code not in self._senders:
                raise InvalidInput(
                    "no_sender",
                    "the document has no such sender",
                    field=f"accounts.{file.name}.senders",
                    mend="add the sender, or remove it here",
                )
            await self._tx.execute("account_sender_put", account, self._senders[code])
        await self._deposits(account, file)
        for login in file.links:
            secret = await file_login(self._tx, account, login, self._random, self._at, self._vault)
            if secret is not None:
                self._secrets[login.login] = secret
        return {
            f"{file.name}/{key.name}": await make_key(
                self._tx,
                account,
                key.scopes,
                sandbox=key.sandbox,
                random=self._random(24),
                at=self._seconds,
            )
            for key in file.keys
        }

    async def _deposits(self, account: int, file: AccountFile) -> None:
        for reference, amount in file.deposits.items():
            digest = hashlib.sha256(f"{account}/{reference}".encode()).digest()
            source = int.from_bytes(digest[:8], "big") >> 1
            await self._tx.fetchrow("balance_hold", account)
            await self._tx.fetchval("deposit", account, source, amount, self._at)


def _check_scopes(file: AccountFile) -> None:
    for key in file.keys:
        if file.kind != "operator" and not STAFF_SCOPES.isdisjoint(key.scopes):
            raise InvalidInput(
                "staff_scope",
                "the scope is for those who run the platform",
                field=f"accounts.{file.name}.keys.{key.name}.scopes",
                rule="http-api: keys",
                mend="give it to a key of the operator's account only",
            )
