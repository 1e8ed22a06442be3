"""How mail leaves: TLS, refusals, outages, a process that dies in between; and codes as orders."""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assent.app.mail import MailFile, SmtpCarrier, carrier_of
from assent.clock import ManualClock
from assent.errors import InvalidInput, Unavailable
from assent.flow.needs import utc
from assent.flow.post import Mail, Post
from assent.flow.vault import Vault
from assent.store import Store
from tests.web.people_site import Mailbox
from tests.web.site import NOON

MAIL = Mail("m1", "li@shop.example", "确认 / Confirm", "您好\n\n    token\n")


def certificate(directory: Path) -> Path:
    """Write a certificate for 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .sign(key, hashes.SHA256())
    )
    path = directory / "mail.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.parametrize("way", ["starttls", "tls"])
async def test_mail_travels_over_tls_to_a_server_that_is_known(tmp_path: Path, way: str) -> None:
    pem = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    mailbox, loop = Mailbox(), asyncio.get_running_loop()
    starting = context if way == "starttls" else None

    def protocol() -> SMTP:
        return SMTP(
            mailbox, hostname="localhost", loop=loop, tls_context=starting,
            require_starttls=starting is not None,
        )  # fmt: skip

    server = await loop.create_server(
        protocol, "127.0.0.1", 0, ssl=context if way == "tls" else None
    )
    port = server.sockets[0].getsockname()[1]
    file = MailFile(host="127.0.0.1", port=port, sender="a@b.example", tls=way, ca_file=str(pem))
    try:
        await SmtpCarrier(file, ManualClock(NOON)).carry(MAIL)
        ((to, subject, text),) = mailbox.mails
        assert (to, subject, text.replace("\r\n", "\n")) == (MAIL.to, MAIL.subject, MAIL.text)
        stranger = MailFile(host="127.0.0.1", port=port, sender="a@b.example", tls=way)
        with pytest.raises(Unavailable):
            await SmtpCarrier(stranger, ManualClock(NOON)).carry(MAIL)
        assert len(mailbox.mails) == 1
    finally:
        server.close()


@pytest.mark.parametrize(
    "file",
    [
        MailFile(host="mail.example", sender="a@b.example", tls="none"),
        MailFile(host="mail.example", sender="", tls="tls"),
        MailFile(host="mail.example", sender="a@b.example", tls="maybe"),
        MailFile(host="mail.example", sender="a@b.example", ca_file="/nowhere"),
        MailFile(host="mail.example", sender="a@b.example", password_file="/nowhere"),
    ],
)
def test_settings_of_mail_that_cannot_be(file: MailFile) -> None:
    with pytest.raises(InvalidInput) as caught:
        carrier_of(file, ManualClock(NOON))
    assert (caught.value.field or "").startswith("mail.")


async def test_mail_into_a_directory(tmp_path: Path) -> None:
    file = MailFile(directory=str(tmp_path / "mail"), sender="a@b.example")
    carrier = carrier_of(file, ManualClock(NOON))
    assert carrier is not None
    await carrier.carry(MAIL)
    (written,) = (tmp_path / "mail").iterdir()
    assert written.name == "m1.eml"
    assert written.stat().st_mode & 0o777 == 0o600


class Fickle:
    """A way out that fails as told: before it took the mail, or after, without saying so."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.took: list[str] = []

    async def carry(self, mail: Mail) -> None:
        answer = self.answers.pop(0) if self.answers else "ok"
        if answer in ("ok", "unanswered"):
            self.took.append(mail.name)
        if answer in ("lost", "unanswered"):
            raise Unavailable("mail_unreachable", "gone")
        if answer == "refused":
            raise InvalidInput("mail_refused", "no such box")


async def post(store: Store, *answers: str) -> tuple[Post, Fickle, ManualClock]:
    clock, carrier = ManualClock(NOON), Fickle(*answers)
    vault = Vault({1: bytes(32)}, lambda n: b"r" * n)
    numbers = iter(range(1_000))
    one = Post(store, clock, vault, lambda n: next(numbers).to_bytes(n, "big"), carrier)
    return one, carrier, clock


async def test_mail_waits_for_a_server_that_is_away(fresh_store: Store) -> None:
    one, carrier, clock = await post(fresh_store, "lost", "unanswered", "ok")
    async with fresh_store.transaction() as tx:
        await one.put(tx, "a@b.example", "s", "t")
    assert await one.step()
    assert not await one.step()  # not due yet
    clock.advance(5)
    assert await one.step()
    clock.advance(10)
    assert await one.step()
    assert not await one.step()
    assert len(carrier.took) == 2
    assert len(set(carrier.took)) == 1  # the same Message-ID: a mailbox knows it again
    assert (one.sent, one.given_up) == (1, 0)


async def test_mail_that_is_refused_is_given_up_and_what_rolls_back_is_not_sent(
    fresh_store: Store,
) -> None:
    one, carrier, _ = await post(fresh_store, "refused")
    async with fresh_store.transaction() as tx:
        await one.put(tx, "a@b.example", "s", "t")

    async def undone() -> None:
        async with fresh_store.transaction() as tx:
            await one.put(tx, "c@d.example", "s", "t")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await undone()
    assert await one.step()
    assert not await one.step()
    assert (one.given_up, carrier.took) == (1, [])


async def test_a_process_that_dies_with_a_mail_leaves_it_to_others(fresh_store: Store) -> None:
    one, carrier, clock = await post(fresh_store)
    async with fresh_store.transaction() as tx:
        await one.put(tx, "a@b.example", "s", "t")
    now = clock.now()
    assert await fresh_store.fetchrow("mail_take", utc(now), utc(now + 120)) is not None
    assert not await one.step()
    clock.advance(121)
    assert await one.step()
    assert len(carrier.took) == 1
