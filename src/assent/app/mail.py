"""How mail leaves: over SMTP, or into a directory where somebody tries the platform alone."""

from __future__ import annotations

import asyncio
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Final

import aiosmtplib
import msgspec

from assent.app.links import wrong
from assent.clock import Clock
from assent.errors import InvalidInput, Unavailable
from assent.flow.needs import utc
from assent.flow.post import Carrier, Mail

_TIMEOUT_S: Final = 30.0
_PORTS: Final = {"tls": 465, "starttls": 587, "none": 25}
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class MailFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Where mail goes. `tls`: starttls, tls, or none (to this machine only). `directory`: write
    mail into files there in place of sending it, to try the platform."""

    host: str | None = None
    port: int | None = None
    sender: str = ""
    tls: str = "starttls"
    ca_file: str | None = None
    user: str | None = None
    password_file: str | None = None
    directory: str | None = None


def carrier_of(file: MailFile, clock: Clock) -> Carrier | None:
    """Return what takes mail away; None where nothing is set. Raises InvalidInput."""
    if file.host is None and file.directory is None:
        return None
    if "@" not in file.sender or not file.sender.isascii():
        raise wrong(
            "mail.sender", "mail needs a sender", "set an address like no-reply@example.com"
        )
    if file.directory is not None:
        return DirectoryCarrier(Path(file.directory), file.sender, clock)
    if file.tls not in _PORTS:
        raise wrong("mail.tls", f"{file.tls} is no choice", f"use one of {', '.join(_PORTS)}")
    if file.tls == "none" and file.host not in _HERE:
        raise wrong("mail.tls", "mail would travel open", "use starttls or tls")
    return SmtpCarrier(file, clock)


class SmtpCarrier:
    """Hands mail to a mail server, a connection each."""

    def __init__(self, file: MailFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock
        self._password = _secret(file)
        self._context = None if file.tls == "none" else _context(file)

    async def carry(self, mail: Mail) -> None:
        """See :class:`assent.flow.post.Carrier`."""
        file = self._file
        try:
            await aiosmtplib.send(
                message_of(mail, file.sender, self._clock),
                hostname=file.host,
                port=file.port or _PORTS[file.tls],
                username=file.user,
                password=self._password,
                use_tls=file.tls == "tls",
                start_tls=file.tls == "starttls",
                tls_context=self._context,
                timeout=_TIMEOUT_S,
            )
        except aiosmtplib.SMTPRecipientsRefused as error:
            codes = [one.code for one in error.recipients]
            if codes and all(500 <= code < 600 for code in codes):
                raise _refused() from None
            raise _unavailable() from None
        except aiosmtplib.SMTPResponseException as error:
            # A refusal of our login or of our greeting (5xx, too) is ours to mend: it waits.
            if isinstance(error, aiosmtplib.SMTPDataError) and 500 <= error.code < 600:
                raise _refused() from None
            raise _unavailable() from None
        except (aiosmtplib.SMTPException, OSError, ssl.SSLError):
            raise _unavailable() from None


class DirectoryCarrier:
    """Writes mail into files, as it would travel."""

    def __init__(self, directory: Path, sender: str, clock: Clock) -> None:
        self._directory = directory
        self._sender = sender
        self._clock = clock

    async def carry(self, mail: Mail) -> None:
        """See :class:`assent.flow.post.Carrier`."""
        octets = message_of(mail, self._sender, self._clock).as_bytes()
        await asyncio.to_thread(self._write, mail.name, octets)

    def _write(self, name: str, octets: bytes) -> None:
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._directory / f".{name}"
            part.write_bytes(octets)
            part.chmod(0o600)
            part.replace(self._directory / f"{name}.eml")
        except OSError:
            raise _unavailable() from None


def message_of(mail: Mail, sender: str, clock: Clock) -> EmailMessage:
    """Return a mail as it travels."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = mail.to
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(utc(clock.now()))
    message["Message-ID"] = f"<{mail.name}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text, cte="base64")
    return message


def _secret(file: MailFile) -> str | None:
    if file.password_file is None:
        return None
    try:
        return Path(file.password_file).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise wrong("mail.password_file", "it cannot be read", "name a readable file") from None


def _context(file: MailFile) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file.ca_file)
    except OSError:
        raise wrong("mail.ca_file", "it cannot be used", "name a PEM file") from None


def _refused() -> InvalidInput:
    return InvalidInput("mail_refused", "the mail server refuses the receiver or the mail")


def _unavailable() -> Unavailable:
    return Unavailable("mail_unreachable", "the mail server cannot be used", field="mail",
                       mend="see whether it answers, and [mail] in the settings")  # fmt: skip
