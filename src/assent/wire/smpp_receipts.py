"""SMPP's delivery receipts: a text for people (Appendix B), optional parameters, or both.

The specification gives the text as an example that vendors vary, and they do: order, case, missing
and further fields, seconds in dates, any text of the message at the end. Reading is lenient; the
optional parameters win, since nobody varies those. facts: SMPP 4.10, 4.11.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import Final, NamedTuple

from assent.wire import smpp_tlvs as tlv
from assent.wire.frame import MalformedPdu, text_of
from assent.wire.pdus import Report
from assent.wire.smpp_codes import MESSAGE_STATES
from assent.wire.smpp_fields import Tlv
from assent.wire.smpp_ids import PLAIN_NUMBER, IdForm, MessageId, receipt_id, text_of_id

TEXT_SHOWN: Final = 20  # characters of the message that a receipt repeats (Appendix B)
_UCS2: Final = 8

# No letter may stand before a key: "smscid:" is not "id:". A digit may: some leave out the space.
_KEY: Final = re.compile(
    r"(?<![a-z])(id|sub|dlvrd|submit[ _]?date|done[ _]?date|stat|err|te?xt)[ ]*:", re.IGNORECASE
)
# The book's own spelling, which most receipts have: one match instead of a search for each key.
_BOOK: Final = re.compile(
    r"id:([\da-z-]+) sub:(\d*) dlvrd:(\d*) submit date:(\d*) done date:(\d*)"
    r" stat:([a-z]+) err:([\da-z]*)(?: text:(.*))?",
    re.IGNORECASE | re.ASCII | re.DOTALL,
)
# The same as octets, which are not read for more than a report needs.
_USUAL: Final = re.compile(
    rb"id:([\dA-Za-z-]+) sub:\d* dlvrd:\d* submit date:(\d*) done date:(\d*)"
    rb" stat:([A-Z]+) err:[\dA-Za-z]*(?: text:.*)?",
    re.DOTALL,
).fullmatch
_ORDER: Final = ("id", "sub", "dlvrd", "submitdate", "donedate", "stat", "err")
# Longer words that are met for the specification's seven letters.
_WORDS: Final = {
    "DELIVERED": "DELIVRD",
    "UNDELIVERED": "UNDELIV",
    "UNDELIVERABLE": "UNDELIV",
    "ACCEPTED": "ACCEPTD",
    "REJECTED": "REJECTD",
    "EN_ROUTE": "ENROUTE",
}
_STATE_OF: Final = {bytes((state,)): word for state, (_, word) in MESSAGE_STATES.items()}
_STAT_OF: Final = {word.encode(): word for _, word in MESSAGE_STATES.values()}
_STATES: Final = {word: state for state, (_, word) in reversed(MESSAGE_STATES.items()) if state}


class ReceiptForm(Enum):
    """How we write receipts."""

    TEXT = "text"
    TLV = "tlv"
    BOTH = "both"


class Receipt(NamedTuple):
    """All that a receipt says. `message_id` is the id in its text, `tlv_id` that in its optional
    parameters ("" where missing). `stat` is the word of seven letters ("" where it says nothing);
    dates are the carrier's own text. `network_error`: (network, code), see smpp_tlvs.NETWORKS.
    `text`: the beginning of the message (personal data)."""

    message_id: str = ""
    tlv_id: str = ""
    stat: str = ""
    submit_date: str = ""
    done_date: str = ""
    error: str = ""
    submitted: int | None = None
    delivered: int | None = None
    network_error: tuple[int, int] | None = None
    text: str = ""

    def report(self, ids: IdForm, destination: str) -> Report:
        """The same as every other dialect reports. `destination`: the receiver's number, which is
        the source of the PDU that carries the receipt. `smsc_sequence` is 0: SMPP has none.

        Raises MalformedPdu when the receipt names no message or no state."""
        key = receipt_id(self.message_id, self.tlv_id, ids)
        if not key:
            raise MalformedPdu("a receipt without message id")
        if not self.stat:
            raise MalformedPdu("a receipt without state")
        return Report(key, self.stat, self.submit_date, self.done_date, destination, 0)


def read_receipt(
    content: bytes, data_coding: int = 0, tlvs: Sequence[Tlv] = (), *, intermediate: bool = False
) -> Receipt:
    """Read a receipt from the content and the optional parameters of a PDU. Never raises: what is
    not there is empty. `intermediate`: the PDU is an intermediate notification, so that a missing
    state means that the message is on its way."""
    text = content.decode("utf-16-be" if data_coding == _UCS2 else "latin-1", "replace")
    text = text.rstrip("\0")
    book = _BOOK.fullmatch(text)
    if book is not None:
        id_, sub, dlvrd, submitted, done, stat, error, shown = book.groups("")
    else:
        said, shown = _parse(text)
        id_, sub, dlvrd, submitted, done, stat, error = [said.get(key, "") for key in _ORDER]
    stat = stat.upper()
    stat = _WORDS.get(stat, stat) or ("ENROUTE" if intermediate else "")
    tlv_id, network = "", None
    if tlvs:
        octets = tlv.first(tlvs, tlv.MESSAGE_STATE)
        if octets is not None and len(octets) == 1 and octets[0] in MESSAGE_STATES:
            stat = MESSAGE_STATES[octets[0]][1]
        tlv_id = text_of(tlv.first(tlvs, tlv.RECEIPTED_MESSAGE_ID) or b"").strip()
        octets = tlv.first(tlvs, tlv.NETWORK_ERROR_CODE)
        if octets is not None and len(octets) == 3:
            network = octets[0], octets[1] << 8 | octets[2]
    return Receipt(
        id_,
        tlv_id,
        stat,
        submitted,
        done,
        error,
        _count(sub),
        _count(dlvrd),
        network,
        shown,
    )


def usual_report(
    raw: bytes, at: int, end: int, tlvs: Sequence[Tlv], ids: IdForm, source: bytes
) -> Report | None:
    """What `read_receipt(...).report(...)` makes of a text in Latin-1 at `raw[at:end]`, in a third
    of the time; None for a receipt that is not spelled as in the book or has no decimal id."""
    found = _USUAL(raw, at, end)
    if found is None:
        return None
    name, submitted, done, word = found.groups()
    told = state = None
    for tag, octets in tlvs:
        if tag == tlv.RECEIPTED_MESSAGE_ID and told is None:
            told = octets
        elif tag == tlv.MESSAGE_STATE and state is None:
            state = octets
    stat = _STATE_OF.get(state) if state else None
    stat = stat or _STAT_OF.get(word)
    number = name.isdigit() and len(name) <= PLAIN_NUMBER and ids.receipt_base == 10 and int(name)
    # Another id in the parameters has perhaps another base, and wins: `receipt_id`.
    if not number or stat is None or (told is not None and told.rstrip(b"\0") != name):
        return None
    return Report(number, stat, submitted.decode(), done.decode(), source.decode("latin-1"), 0)


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def _parse(text: str) -> tuple[dict[str, str], str]:
    """(fields by lower-case key without space, the message's beginning).

    Whatever follows "text:" was written by the message's author, who may have put "stat:" into it.
    It is read for fields only when what stands before lacks the id or the state; then the last of
    each counts, since the author's words come first."""
    marks = list(_KEY.finditer(text))
    cut = next((i for i, mark in enumerate(marks) if _name(mark) == "text"), None)
    if cut is None:
        return _fields(text, marks, len(text)), ""
    head = _fields(text, marks[:cut], marks[cut].start())
    begin = marks[cut].end()
    if "id" in head and "stat" in head:
        return head, text[begin:]
    known = {"text", *head}
    later = {_name(mark): mark for mark in marks[cut + 1 :] if _name(mark) not in known}
    last = sorted(later.values(), key=lambda mark: mark.start())
    shown = text[begin : last[0].start()].rstrip() if last else text[begin:]
    return _fields(text, last, len(text)) | head, shown


def _name(mark: re.Match[str]) -> str:
    name = mark[1].lower().replace(" ", "").replace("_", "")
    return "text" if name == "txt" else name


def _fields(text: str, marks: Sequence[re.Match[str]], end: int) -> dict[str, str]:
    """The word after each key; of a repeated key the first counts."""
    found: dict[str, str] = {}
    for i, mark in enumerate(marks):
        stop = marks[i + 1].start() if i + 1 < len(marks) else end
        words = text[mark.end() : stop].split(None, 1)
        found.setdefault(_name(mark), words[0] if words else "")
    return found


def receipt_text(
    report: Report, message_id: str, *, error: str = "000", text: str = "", parts: int = 1
) -> bytes:
    """The text of a receipt as Appendix B has it. `message_id` is written as it is; `text`: of the
    message, cut to 20 characters, those outside Latin-1 as "?"; `parts`: of the message."""
    delivered = parts if report.stat == "DELIVRD" else 0
    words = (
        f"id:{message_id} sub:{parts:03} dlvrd:{delivered:03}"
        f" submit date:{report.submit_time} done date:{report.done_time}"
        f" stat:{report.stat} err:{error} text:{text[:TEXT_SHOWN]}"
    )
    return words.encode("latin-1", "replace")


def receipt_tlvs(
    report: Report, message_id: str, network_error: tuple[int, int] | None = None
) -> list[Tlv]:
    """The optional parameters of a receipt (5.3.2.12, 5.3.2.35, 5.3.2.31). A stat that is none of
    the specification's words has no message_state of its own and is told as UNDELIVERABLE."""
    tlvs = tlv.pairs({"receipted_message_id": message_id})
    tlvs.append(tlv.pair("message_state", _STATES.get(report.stat, _STATES["UNDELIV"])))
    if network_error is not None:
        network, code = network_error
        octets = bytes((network & 0xFF,)) + (code & 0xFFFF).to_bytes(2, "big")
        tlvs.append((tlv.NETWORK_ERROR_CODE, octets))
    return tlvs


def receipt_ids(message_id: MessageId, ids: IdForm) -> tuple[str, str]:
    """(in the text, in receipted_message_id): an id as each place wants it."""
    return text_of_id(message_id, ids.receipt_base), text_of_id(message_id, ids.answer_base)
