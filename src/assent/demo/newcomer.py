"""A customer who comes anew: signs up, confirms the mail, logs in, and has no name to send in.

The mail travels over SMTP to a mailbox of this process, as it would to a customer's mail server.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session

from assent.client import AsyncClient
from assent.demo import cast
from assent.errors import AssentError

ADDRESS: Final = "wang@gengyun.example"
PASSWORD: Final = "seven herons over still water"  # noqa: S105  of nobody
COMPANY: Final = {"credit_code": "91330106MA2HT0311R", "legal_name": "杭州耕云茶业有限公司"}
WAIT_S: Final = 20.0
_TOKEN: Final = re.compile(r"^ {4}(\w+)\s*$", re.MULTILINE)


class Mailbox:
    """A mail server on loopback that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str, str]] = []  # to, subject, text
        self._came = asyncio.Event()
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; return the port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: SMTP(self, hostname="localhost", loop=loop), "127.0.0.1", 0
        )
        return int(self._server.sockets[0].getsockname()[1])

    def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()

    async def handle_DATA(  # noqa: N802  the library's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Keep a mail."""
        octets = envelope.content
        mail = message_from_bytes(octets if isinstance(octets, bytes) else b"", policy=policy.SMTP)
        body = mail.get_body()
        text = "" if body is None else body.get_content()
        self.mails += [(to, str(mail["Subject"]), text) for to in envelope.rcpt_tos]
        self._came.set()
        return "250 kept"

    async def token(self, address: str) -> str:
        """Wait for a mail to an address; return the token in it. Raises AssentError."""
        try:
            async with asyncio.timeout(WAIT_S):
                while True:
                    self._came.clear()
                    for to, _, text in self.mails:
                        found = _TOKEN.search(text)
                        if to == address and found is not None:
                            return found.group(1)
                    await self._came.wait()
        except TimeoutError:
            raise AssentError("demo_mail", f"no mail came within {WAIT_S:.0f} s") from None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What came of it. `refused`: the error for sending in the name of a firm that is another's,
    empty if it was let through."""

    account: str
    status: str
    roles: tuple[str, ...]
    todo: tuple[str, ...]
    mails: int
    guessed: bool
    refused: str

    def differences(self) -> list[str]:
        """Return what is not as it has to be, in words."""
        found = []
        if self.guessed:
            found.append("sign-up: a token that nobody was mailed is taken")
        if (self.status, self.roles) != ("applied", ("owner",)):
            found.append(f"sign-up: the account is {self.status}, roles {', '.join(self.roles)}")
        if "account_applied" not in self.todo:
            found.append("sign-up: nothing tells that papers are missing")
        if self.mails != 1:
            found.append(f"sign-up: {self.mails} mails came, 1 expected")
        if not self.refused:
            found.append("sign-up: whoever just signed up sends in another's name")
        return found


async def arrive(url: str, mailbox: Mailbox) -> Arrival:
    """Walk in. Raises AssentError where a step fails."""
    async with AsyncClient(url) as stranger:
        await stranger.sign_up(
            email=ADDRESS, name="王耕", password=PASSWORD, company=COMPANY,
            account=COMPANY["legal_name"],
        )  # fmt: skip
        token = await mailbox.token(ADDRESS)
        wrong = await _refusal(stranger.confirm_sign_up("x" * len(token), PASSWORD))
        made = await stranger.confirm_sign_up(token, PASSWORD)
        session = await stranger.log_in(ADDRESS, PASSWORD)
    async with AsyncClient(url, session["token"]) as owner:
        me = await owner.me()
        refused = await _refusal(
            owner.send(
                sender=cast.MALL.code, purpose="verification", template="code",
                messages=[{"to": "13800138000", "variables": {"code": "135790"}}],
            )
        )  # fmt: skip
    return Arrival(
        str(made["account"]),
        str(made["status"]),
        tuple(session["roles"]),
        tuple(one["code"] for one in me["todo"]),
        sum(to == ADDRESS for to, *_ in mailbox.mails),
        not wrong,
        refused,
    )


async def _refusal(call: Any) -> str:
    """Return the code by which a call is refused, empty where it is not."""
    try:
        await call
    except AssentError as error:
        return error.code
    return ""
