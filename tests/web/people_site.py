"""A server with the people who act behind it: a real database, real mail to a local mail server."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import re
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiosmtpd.smtp import SMTP, Envelope, Session
from argon2 import PasswordHasher

from assent.app.mail import MailFile, SmtpCarrier
from assent.app.settings import Settings
from assent.app.vaults import FileVault, open_vault
from assent.clock import ManualClock
from assent.errors import Unavailable
from assent.flow import second_factor
from assent.flow.bootstrap import add_staff
from assent.flow.catalogue import Catalogue
from assent.flow.gate import Callers, Gate
from assent.flow.keys import Keys
from assent.flow.passwords import Passwords
from assent.store import Store
from assent.web.settings import WebSettings
from tests.web.site import NOON, Running, running

PASSWORD = "correct horse battery nail"
STAFF_PASSWORD = "another horse battery nail"


class Mailbox:
    """A mail server that keeps what it gets. `refuse`: answer for receivers, to be cruel."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []  # to, subject, text
        self.refuse: str | None = None

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refuse is not None:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        content = envelope.content
        assert isinstance(content, bytes)
        message = email.message_from_bytes(content, policy=email.policy.default)
        text = message.get_content()
        self.mails.append((envelope.rcpt_tos[0], str(message["Subject"]), text))
        return "250 Message accepted for delivery"

    def to(self, address: str) -> list[tuple[str, str, str]]:
        return [mail for mail in self.mails if mail[0] == address]

    async def token(self, address: str, count: int = 1) -> str:
        """Wait for the `count`th mail to an address and return the token in it."""
        for _ in range(500):
            if len(self.to(address)) >= count:
                found = re.search(r"^ {4}(\w+)\s*$", self.to(address)[count - 1][2], re.MULTILINE)
                assert found is not None, self.to(address)[count - 1]
                return found.group(1)
            await asyncio.sleep(0.01)
        raise AssertionError(f"no mail number {count} to {address}: {self.mails}")


class Phones:
    """Phones that get codes."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.closed = False

    async def send(self, number: str, code: str) -> None:
        if self.closed:
            raise Unavailable("no_phone_codes", "none")
        self.codes[number] = code


@dataclass
class Place:
    """The server and everything behind it."""

    site: Running
    url: str
    store: Store
    clock: ManualClock
    vault: FileVault
    gate: Gate
    keys: Keys
    mailbox: Mailbox
    phones: Phones
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    def client(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        made = httpx.AsyncClient(base_url=self.site.url, headers=headers, timeout=30)
        self.clients.append(made)
        return made

    async def post(
        self, path: str, body: Any = None, token: str | None = None, code: int | None = None
    ) -> dict[str, Any]:
        return await self.call("POST", path, body, token, code)

    async def get(self, path: str, token: str | None = None, code: int = 200) -> dict[str, Any]:
        return await self.call("GET", path, None, token, code)

    async def call(
        self, method: str, path: str, body: Any, token: str | None, code: int | None
    ) -> dict[str, Any]:
        answer = await self.client(token).request(method, path, json=body)
        if code is None:
            assert answer.status_code < 300, answer.text
        else:
            assert answer.status_code == code, (answer.status_code, answer.text)
        return dict(answer.json())

    async def owner(self, address: str = "li@shop.example", name: str = "商户") -> dict[str, Any]:
        """Sign somebody up, confirm, log in; return the session."""
        before = len(self.mailbox.to(address))
        code = f"CODE-{name}"
        await self.post("/v1/sign-up", sign_up(address, name, code), code=202)
        token = await self.mailbox.token(address, before + 1)
        await self.post("/v1/sign-up/confirm", {"token": token, "password": PASSWORD}, code=201)
        return await self.log_in(address)

    async def log_in(self, address: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        body = {"email": address, "password": password, **more}
        return await self.post("/v1/session", body, code=201)

    async def second_factor(self, token: str) -> tuple[bytes, dict[str, Any]]:
        """Switch a second factor on; return its secret and the answer."""
        begun = await self.post("/v1/me/totp", None, token)
        secret = base64.b32decode(begun["secret"])
        answer = await self.post("/v1/me/totp/confirm", {"code": self.code(secret)}, token)
        return secret, answer

    def code(self, secret: bytes) -> str:
        return second_factor.code_at(secret, int(self.clock.now() // second_factor.STEP_S))

    async def administrator(self, address: str = "root@operator.example") -> str:
        """Return a session of an administrator of the operator with a second factor."""
        made = await add_staff(
            self.store, self.clock, self.gate.proofs, address, ["administrator"], "operator"
        )
        body = {"token": made["token"], "password": STAFF_PASSWORD, "name": "Root"}
        await self.post("/v1/invitations/accept", body)
        begun = await self.log_in(address, STAFF_PASSWORD)
        assert begun["scopes"] == []
        _, answer = await self.second_factor(begun["token"])
        assert "admin" in answer["scopes"]
        return str(answer["token"])

    async def value(self, query: str, *args: Any) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(query, *args)
        finally:
            await connection.close()


def sign_up(address: str, name: str, code: str, **more: Any) -> dict[str, Any]:
    return {
        "email": address, "name": "李雷", "password": PASSWORD,
        "company": {"credit_code": code, "legal_name": name}, **more,
    }  # fmt: skip


@asynccontextmanager
async def place(
    url: str, store: Store, directory: Path, log: Any = None, **web: Any
) -> AsyncIterator[Place]:
    """Start everything and stop it again. `log`: where the server's lines go, if anywhere."""
    mailbox, phones, clock = Mailbox(), Phones(), ManualClock(NOON)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mailbox, hostname="localhost", loop=loop), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    settings = Settings(vault_key_file=str(directory / "vault.keys"))
    vault = await open_vault(settings, store)
    file = MailFile(host="127.0.0.1", port=port, sender="no-reply@platform.example", tls="none")
    catalogue = Catalogue()
    await catalogue.load(store)
    quick = Passwords(PasswordHasher(1, 8, 1))  # what the hash costs is tested by itself
    gate = Gate(
        store, clock, vault, secrets.token_bytes, SmtpCarrier(file, clock), phones, catalogue,
        passwords=quick,
    )  # fmt: skip
    keys = Keys(store)

    def announced(_payload: str = "") -> None:
        keys.forget()
        tasks.append(asyncio.ensure_future(catalogue.load(store)))

    tasks: list[asyncio.Future[Any]] = []
    await store.listen("catalogue", announced, announced)
    posting = asyncio.create_task(gate.post.run())
    web_settings = WebSettings(**{"open_rate": 1_000.0, **web})
    try:
        async with running(web_settings, log, keys=Callers(keys, gate.sessions), gate=gate) as site:
            one = Place(site, url, store, clock, vault, gate, keys, mailbox, phones)
            yield one
            for client in one.clients:
                await client.aclose()
    finally:
        posting.cancel()
        await asyncio.gather(posting, *tasks, return_exceptions=True)
        server.close()
