"""What a link needs of MM7, in the shape of every dialect's kit, and what arrives there as flow
reads it: reports and messages as `Deliver`s.

A message goes out as one post of its own, so there is no session. Its content is a bundle
(`mms.pack_bundle`), the same octets for every receiver; what differs is the envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn

from assent.errors import LocalProtocolError
from assent.text import Alphabet, alphabet_of_format
from assent.wire import mm7, mms
from assent.wire.kit import Kit, Quirks, international, national
from assent.wire.mm7_codes import STATS
from assent.wire.pdus import Report
from assent.wire.verdicts import verdicts

VERSION: Final = 0x68
_UCS2: Final = int(Alphabet.UCS2)
_FAILED: Final = "UNDELIV"


def mm7_kit(
    provider: mm7.Provider,
    transaction: Callable[[], str],
    *,
    abroad: bool = False,
    quirks: Quirks | None = None,
) -> Kit:
    """Return the kit of one link. `transaction` makes a new id each time. `abroad`: numbers go out
    with their country code, else Chinese ones without."""
    quirks = quirks or Quirks()
    own = {name: getattr(quirks, name) for name in ("throttled", "elsewhere", "refused")}
    return Kit(
        name="mm7",
        version=VERSION,
        session=_no_session,
        forms=lambda service, port, _: Mm7Form(provider, transaction, port, service),
        number=international if abroad else national,
        codings={Alphabet.UCS2: _UCS2},
        octets=0,  # of format 0, which nothing has
        alphabet=alphabet_of_format,
        codes=verdicts("mm7", own),
    )


def _no_session(*_: object) -> NoReturn:
    raise LocalProtocolError("no_session", "MM7 has posts and no session")


class Mm7Form:
    """Bodies of posts that share provider, port and service code. A content is a bundle."""

    def __init__(
        self, provider: mm7.Provider, transaction: Callable[[], str], port: str, service: str
    ) -> None:
        self._provider = provider
        self._transaction = transaction
        self._port = port
        self._service = service

    def bodies(self, destinations: Sequence[bytes], content: bytes, fmt: int) -> list[bytes]:
        """Return a post for each receiver of one content."""
        return [self.body(one, content, fmt) for one in destinations]

    def own_bodies(
        self, destinations: Sequence[bytes], contents: Sequence[bytes], fmt: int
    ) -> list[bytes]:
        """Return a post for each receiver with a content of its own."""
        pairs = zip(destinations, contents, strict=True)
        return [self.body(one, content, fmt) for one, content in pairs]

    def body(
        self,
        destination: bytes,
        content: bytes,
        fmt: int,
        udhi: int = 0,
        pk_total: int = 1,
        pk_number: int = 1,
    ) -> bytes:
        """Return the body of one post. Nothing is ever cut into segments."""
        token, subject, entity = mms.unpack_bundle(content)
        submit = mm7.Submit(
            self._transaction(),
            self._provider,
            self._port,
            (destination.decode("ascii"),),
            subject,
            self._service,
        )
        document = mm7.submit_envelope(submit, mms.content_id(token))
        return mm7.with_content(document, entity, token)


class Mm7Deliver:
    """A report or a person's message as flow takes it; `raw` is the envelope's post."""

    udhi = 0
    fmt = _UCS2

    def __init__(self, message: mm7.Reported | mm7.Delivered, raw: bytes) -> None:
        self.message = message
        self.raw = raw

    @property
    def is_report(self) -> bool:
        """Whether it tells what became of a message of ours."""
        return isinstance(self.message, mm7.Reported)

    @property
    def message_id(self) -> int:
        """The key of the id of what it reports on, else of the message's own."""
        message = self.message
        if isinstance(message, mm7.Reported):
            return mm7.key_of(message.message_id)
        return mm7.key_of(message.linked_id or message.transaction)

    @property
    def source(self) -> str:
        """Number of the person (personal data)."""
        message = self.message
        said = message.recipient if isinstance(message, mm7.Reported) else message.sender
        return plain(said)

    @property
    def destination(self) -> str:
        """Access number that the person wrote to."""
        message = self.message
        if isinstance(message, mm7.Reported):
            return plain(message.sender)
        return plain(message.recipients[0]) if message.recipients else ""

    @property
    def content(self) -> bytes:
        """What the person wrote; of a report its whole post, for the record."""
        if isinstance(self.message, mm7.Reported):
            return self.raw
        return self.message.text.encode("utf-16-be", "replace")

    def report(self) -> Report:
        """Return the report in the words of the other dialects."""
        message: Any = self.message
        stat = STATS.get(message.status.lower(), _FAILED)
        key = mm7.key_of(message.message_id)
        return Report(key, stat, "", message.date[:32], plain(message.recipient), 0)


def plain(address: str) -> str:
    """Return the number in an address: without the type that some centres write behind it
    (`+8613…/TYPE=PLMN`, MM1's form)."""
    return address.partition("/TYPE=")[0].strip()
