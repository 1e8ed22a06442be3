"""MM7, the interface between a service provider (VASP) and a multimedia messaging centre: SOAP 1.1
with attachments over HTTP (3GPP TS 23.140 release 6, 8.7). Octets ↔ messages; no socket, no clock.

Sections are those of version 6.16.0's table of contents. The specification's text was not at hand:
elements, their order and the codes are those of its examples and of what makers of centres publish.

Written by hand, since a centre wants its elements in the schema's order. Read by local names: the
centres that are about speak several releases, whose namespaces differ, and the specification's own
examples qualify only some elements.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from assent.wire import mime
from assent.wire.frame import MalformedPdu
from assent.wire.mm7_codes import words
from assent.wire.mm7_xml import Element, escape, parse

SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
SPACE: Final = "http://www.3gpp.org/ftp/Specs/archive/23_series/23.140/schema/REL-6-MM7-1-4"
VERSION: Final = "6.8.0"
XML_TYPE: Final = 'text/xml; charset="utf-8"'
ENVELOPE_ID: Final = "mm7-envelope"
LONGEST_ID: Final = 256
"""Characters of a transaction id or message id, at most."""

REQUESTS: Final = ("SubmitReq", "CancelReq", "DeliverReq", "DeliveryReportReq", "ReadReplyReq")
ANSWERS: Final = (
    *("SubmitRsp", "CancelRsp", "DeliverRsp", "DeliveryReportRsp", "ReadReplyRsp"),
    *("RSErrorRsp", "VASPErrorRsp"),
)
_CHARSETS: Final = (
    *("utf-8", "us-ascii", "iso-8859-1", "utf-16", "utf-16be", "utf-16le"),
    *("gb2312", "gbk", "gb18030", "big5"),
)
_CODE: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Provider:
    """Who we are to the centre: VASPID and VASID."""

    vasp_id: str
    vas_id: str = ""


@dataclass(frozen=True, slots=True)
class Submit:
    """SubmitReq: a message to one receiver or several. `parts`: its content as it arrived, one
    level deep; empty in one that is to be written."""

    transaction: str
    provider: Provider
    sender: str
    recipients: tuple[str, ...]
    subject: str = ""
    service_code: str = ""
    report: bool = True
    parts: tuple[mime.Part, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancel:
    """CancelReq: a message that shall not be delivered after all."""

    transaction: str
    provider: Provider
    message_id: str


@dataclass(frozen=True, slots=True)
class Answered:
    """Any answer: `kind` is its element. `code` 0 where it has none."""

    kind: str
    transaction: str
    code: int
    text: str = ""
    message_id: str = ""


@dataclass(frozen=True, slots=True)
class Reported:
    """DeliveryReportReq, or ReadReplyReq: what became of a message at one receiver."""

    kind: str
    transaction: str
    message_id: str
    recipient: str
    sender: str
    status: str
    date: str = ""


@dataclass(frozen=True, slots=True)
class Delivered:
    """DeliverReq: a message from a person. `linked_id`: what the centre calls it."""

    transaction: str
    linked_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str = ""
    parts: tuple[mime.Part, ...] = ()

    @property
    def text(self) -> str:
        """What the person wrote: the subject and the text parts, a line each."""
        said = [self.subject] if self.subject else []
        for part in self.parts:
            if part.type == "text/plain":
                _, parameters = mime.media_type(part.headers.get("content-type", ""))
                said.append(_decoded(part.body, parameters.get("charset", "utf-8")))
        return "\n".join(filter(None, (one.strip() for one in said)))


Message = Submit | Cancel | Answered | Reported | Delivered


def key_of(message_id: str) -> int:
    """Return the 64 bits that stand for a MessageID, which is any text: the first of its SHA-256.

    Of n ids outstanding at once two share a key with a chance of about n²/2⁶⁵. 0 is none's."""
    digest = hashlib.sha256(message_id.strip().encode("utf-8")).digest()
    return int.from_bytes(digest[:8], "big") or 1


# --- writing


def envelope(transaction: str, body: str) -> bytes:
    """Return a SOAP envelope with its TransactionID in the header."""
    text = (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<env:Envelope xmlns:env="{SOAP}"><env:Header>'
        f'<TransactionID xmlns="{SPACE}" env:mustUnderstand="1">{escape(transaction)}'
        f"</TransactionID></env:Header><env:Body>{body}</env:Body></env:Envelope>"
    )
    return text.encode("utf-8")


def submit_envelope(submit: Submit, content_id: str) -> bytes:
    """Return the envelope of a SubmitReq whose content is the attachment of this id (8.7.1)."""
    who = _tag("VASPID", submit.provider.vasp_id) + _tag("VASID", submit.provider.vas_id)
    sender = f"<SenderAddress>{_number(submit.sender)}</SenderAddress>" if submit.sender else ""
    receivers = "".join(_number(one) for one in submit.recipients)
    body = (
        f"<SenderIdentification>{who}{sender}</SenderIdentification>"
        f"<Recipients><To>{receivers}</To></Recipients>"
        f"{_tag('ServiceCode', submit.service_code)}"
        f"<DeliveryReport>{'true' if submit.report else 'false'}</DeliveryReport>"
        f"{_tag('Subject', submit.subject)}"
        f'<Content href="cid:{escape(content_id)}" allowAdaptations="true"/>'
    )
    return envelope(submit.transaction, _request("SubmitReq", body))


def cancel_envelope(cancel: Cancel) -> bytes:
    """Return the envelope of a CancelReq (8.7.3)."""
    who = _tag("VASPID", cancel.provider.vasp_id) + _tag("VASID", cancel.provider.vas_id)
    body = f"<SenderIdentification>{who}</SenderIdentification>"
    body += _tag("MessageID", cancel.message_id)
    return envelope(cancel.transaction, _request("CancelReq", body))


def report_envelope(report: Reported) -> bytes:
    """Return the envelope of a DeliveryReportReq (8.7.4) or ReadReplyReq (8.7.5)."""
    date = _tag("Date" if report.kind == "DeliveryReportReq" else "TimeStamp", report.date)
    body = (
        f"{_tag('MessageID', report.message_id)}"
        f"<Recipient>{_number(report.recipient)}</Recipient>"
        f"<Sender>{_number(report.sender)}</Sender>{date}{_tag('MMStatus', report.status)}"
    )
    return envelope(report.transaction, _request(report.kind, body))


def deliver_envelope(deliver: Delivered, content_id: str) -> bytes:
    """Return the envelope of a DeliverReq (8.7.2)."""
    receivers = "".join(_number(one) for one in deliver.recipients)
    body = (
        f"{_tag('LinkedID', deliver.linked_id)}<Sender>{_number(deliver.sender)}</Sender>"
        f"<Recipients><To>{receivers}</To></Recipients>{_tag('Subject', deliver.subject)}"
        f'<Content href="cid:{escape(content_id)}"/>'
    )
    return envelope(deliver.transaction, _request("DeliverReq", body))


def answer_envelope(answer: Answered) -> bytes:
    """Return the envelope of an answer; the two error answers go in a SOAP fault."""
    status = f"<StatusCode>{answer.code}</StatusCode>"
    status += _tag("StatusText", answer.text or words(answer.code))
    body = f"<Status>{status}</Status>{_tag('MessageID', answer.message_id)}"
    inner = _request(answer.kind, body)
    if answer.kind in ("RSErrorRsp", "VASPErrorRsp"):
        side = "Client" if 2000 <= answer.code < 3000 else "Server"
        inner = (
            f"<env:Fault><faultcode>env:{side}</faultcode><faultstring>{side} error</faultstring>"
            f"<detail>{inner}</detail></env:Fault>"
        )
    return envelope(answer.transaction, inner)


def with_content(document: bytes, entity: bytes, token: str) -> bytes:
    """Return the body of a post: the envelope, then the content, a MIME entity with its own
    headers (multipart/related, the envelope first). `token` is in neither."""
    mark = f"--m{token}".encode("ascii")
    head = f"Content-Type: {XML_TYPE}\r\nContent-ID: <{ENVELOPE_ID}>\r\n\r\n".encode("ascii")
    first = (mark, b"\r\n", head, document, b"\r\n", mark, b"\r\n")
    return b"".join((*first, entity, b"\r\n", mark, b"--\r\n"))


def content_type_of(body: bytes) -> str:
    """Return the Content-Type of what `with_content` made, or of an envelope alone."""
    if not body.startswith(b"--"):
        return XML_TYPE
    boundary = body[2 : body.index(b"\r\n")].decode("ascii")
    return f'multipart/related; boundary="{boundary}"; type="text/xml"; start="<{ENVELOPE_ID}>"'


def _request(kind: str, body: str) -> str:
    return f'<{kind} xmlns="{SPACE}"><MM7Version>{VERSION}</MM7Version>{body}</{kind}>'


def _tag(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>" if text else ""


def _number(number: str) -> str:
    return f"<Number>{escape(number)}</Number>"


# --- reading


def read(content_type: str, body: bytes) -> Message:
    """Return the message in a post or in an answer to one. Raises MalformedPdu, and nothing else,
    for what is none."""
    document, content = parts_of(content_type, body)
    root = parse(document)
    if root.name != "Envelope":
        raise MalformedPdu("the document is no SOAP envelope")
    transaction = root.said("Header", "TransactionID")[:LONGEST_ID]
    inside = root.child("Body")
    known = [] if inside is None else [one for one in inside.walk() if one.name in _READERS]
    if not known:
        raise MalformedPdu("the envelope holds no message of MM7")
    return _READERS[known[0].name](known[0], transaction, content)


def parts_of(content_type: str, body: bytes) -> tuple[bytes, tuple[mime.Part, ...]]:
    """Return the envelope, and the parts of the content it came with."""
    boundary = mime.boundary_of(content_type)
    if boundary is None:
        return body, ()
    parts = mime.split(body, boundary)
    if not parts:
        raise MalformedPdu("the multipart body has no part")
    start = mime.media_type(content_type)[1].get("start", "").strip("<>")
    first = next((one for one in parts if start and one.content_id == start), parts[0])
    content: list[mime.Part] = []
    for part in parts:
        if part is first:
            continue
        inner = mime.boundary_of(part.headers.get("content-type", ""))
        content += [part] if inner is None else mime.split(part.body, inner)
    if len(content) > mime.PARTS:
        raise MalformedPdu(f"the content has more than {mime.PARTS} parts")
    return first.body, tuple(content)


def _submit(element: Element, transaction: str, content: tuple[mime.Part, ...]) -> Submit:
    who = element.child("SenderIdentification") or element
    return Submit(
        transaction,
        Provider(who.said("VASPID"), who.said("VASID")),
        _address(who.child("SenderAddress")),
        _receivers(element),
        element.said("Subject"),
        element.said("ServiceCode"),
        element.said("DeliveryReport").lower() in ("true", "1"),
        content,
    )


def _cancel(element: Element, transaction: str, _: tuple[mime.Part, ...]) -> Cancel:
    who = element.child("SenderIdentification") or element
    provider = Provider(who.said("VASPID"), who.said("VASID"))
    return Cancel(transaction, provider, _id(element, "MessageID"))


def _answered(element: Element, transaction: str, _: tuple[mime.Part, ...]) -> Answered:
    code = element.said("Status", "StatusCode")
    if code and not _CODE.fullmatch(code):
        raise MalformedPdu("the status code is no number")
    text = element.said("Status", "StatusText")
    return Answered(element.name, transaction, int(code or 0), text, _id(element, "MessageID"))


def _reported(element: Element, transaction: str, _: tuple[mime.Part, ...]) -> Reported:
    return Reported(
        element.name,
        transaction,
        _id(element, "MessageID"),
        _address(element.child("Recipient")),
        _address(element.child("Sender")),
        element.said("MMStatus"),
        element.said("Date") or element.said("TimeStamp"),
    )


def _delivered(element: Element, transaction: str, content: tuple[mime.Part, ...]) -> Delivered:
    return Delivered(
        transaction,
        _id(element, "LinkedID"),
        _address(element.child("Sender")),
        _receivers(element),
        element.said("Subject"),
        content,
    )


_Reader = Callable[[Element, str, tuple[mime.Part, ...]], Message]

_READERS: Final[dict[str, _Reader]] = {
    "SubmitReq": _submit,
    "CancelReq": _cancel,
    "DeliverReq": _delivered,
    "DeliveryReportReq": _reported,
    "ReadReplyReq": _reported,
    **dict.fromkeys(ANSWERS, _answered),
}


def _id(element: Element, name: str) -> str:
    said = element.said(name)
    if len(said) > LONGEST_ID:
        raise MalformedPdu(f"{name} has more than {LONGEST_ID} characters", "length")
    return said


def _address(element: Element | None) -> str:
    """Return the first number, short code or mail address in an element."""
    if element is None:
        return ""
    for one in element.walk():
        if one.name in ("Number", "ShortCode", "RFC2822Address") and one.text.strip():
            return one.text.strip()
    return element.text.strip()


def _receivers(element: Element) -> tuple[str, ...]:
    found: Sequence[Element] = [
        one
        for kind in ("To", "Cc", "Bcc")
        for group in [element.child("Recipients", kind)]
        if group is not None
        for one in group.children
    ]
    return tuple(one.text.strip() for one in found if one.text.strip())


def _decoded(body: bytes, charset: str) -> str:
    name = charset.lower() if charset.lower() in _CHARSETS else "utf-8"
    return body.decode(name, "replace").replace("\0", "")
