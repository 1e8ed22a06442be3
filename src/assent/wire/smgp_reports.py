"""SMGP's report: text with a binary message id in it (facts: SMGP 3.7).

The field's variants are all read: keys in any case, "submit date" with a blank or an underscore,
"Txt" for "Text", no blank before a key or the letter s in its place, any length. The id is binary
and may hold a blank, a colon or a key: it is taken by its position, the keys are looked for behind.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from assent.errors import LocalProtocolError
from assent.wire.frame import MalformedPdu, octets_of
from assent.wire.pdus import Report
from assent.wire.smgp_ids import OCTETS, id_of, octets_of_id

LONGEST = 122
"""Octets of a report whose fields all have their full length."""

_ID_AT = 3
_KEYS_AT = _ID_AT + OCTETS
_TEXT = 20


class SmgpReport(NamedTuple):
    """A report on the message with this id (`smgp_ids.id_of`). Times are YYMMDDhhmm; err is three
    digits (`smgp_codes.REPORT_ERRORS`); text is what the carrier quotes of the message: its length
    in three digits, then 17 octets of it."""

    message_id: int
    stat: str
    submit_time: str = ""
    done_time: str = ""
    err: str = "000"
    sub: str = "001"
    dlvrd: str = "001"
    text: bytes = b""


_QUOTE = re.compile(rb"te?xt:", re.IGNORECASE)
_STAT = re.compile(rb"stat:([^\s\0]{1,7})", re.IGNORECASE)
_ERR = re.compile(rb"err:([^\s\0]{1,3})", re.IGNORECASE)
_SUB = re.compile(rb"sub:\s*(\d{1,3})", re.IGNORECASE)
_DLVRD = re.compile(rb"dlvrd:\s*(\d{1,3})", re.IGNORECASE)
_SUBMITTED = re.compile(rb"submit[ _]?date:\s*(\d{6,14})", re.IGNORECASE)
_DONE = re.compile(rb"done[ _]?date:\s*(\d{6,14})", re.IGNORECASE)


def parse_report(content: bytes) -> SmgpReport:
    """Read the content of a report. What is missing is empty.

    Raises MalformedPdu when there is no id in its place or no stat."""
    if content[:_ID_AT].lower() != b"id:" or len(content) < _KEYS_AT:
        raise MalformedPdu("a report that does not begin with an id", at=0)
    rest = content[_KEYS_AT:]
    quote = _QUOTE.search(rest)
    keys = rest[: quote.start()] if quote else rest
    stat = _found(_STAT, keys)
    if not stat:
        raise MalformedPdu("a report without a stat", at=_KEYS_AT)
    return SmgpReport(
        id_of(content[_ID_AT:_KEYS_AT]),
        stat,
        _found(_SUBMITTED, keys),
        _found(_DONE, keys),
        _found(_ERR, keys),
        _found(_SUB, keys),
        _found(_DLVRD, keys),
        rest[quote.end() :].rstrip(b"\0") if quote else b"",
    )


def _found(key: re.Pattern[bytes], text: bytes) -> str:
    match = key.search(text)
    return match[1].decode("latin-1") if match else ""


def read_report(buffer: bytes, start: int, length: int) -> Report:
    """Read a report of `length` octets at `start`. Its destination is empty: the number stands in
    the Deliver around it. Raises MalformedPdu as `parse_report`."""
    report = parse_report(buffer[start : start + length])
    return Report(report.message_id, report.stat, report.submit_time, report.done_time, "", 0)


def report_content(report: SmgpReport) -> bytes:
    """MsgContent of a report as the specification writes it, 122 octets.

    Raises LocalProtocolError naming a part that does not fit its place."""
    return b"id:%b sub:%b dlvrd:%b Submit date:%b done date:%b stat:%b err:%b Text:%b" % (
        octets_of_id(report.message_id),
        _fixed("sub", report.sub, 3),
        _fixed("dlvrd", report.dlvrd, 3),
        _fixed("submit_time", report.submit_time, 10),
        _fixed("done_time", report.done_time, 10),
        _fixed("stat", report.stat, 7),
        _fixed("err", report.err, 3),
        octets_of("text", report.text, _TEXT),
    )


def _fixed(name: str, value: str, width: int) -> bytes:
    if len(value) != width:
        raise LocalProtocolError("field_range", f"{name} has {width} characters", field=name)
    return octets_of(name, value, width)
