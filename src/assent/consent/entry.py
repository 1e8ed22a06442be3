"""One fact of the consent ledger, and the only bytes that stand for it.

The canonical form (version 1, big-endian)::

    octets  field
     1      version = 1
     2      length of everything after these two octets
     1      kind          1  scope   1  channel   1  origin   1  grade   1  purposes
     8      at_ms         4  person
     8      group         8  sender  8  programme 8  wording  8  refers_to  8  expires_ms
     1 + n  statement     n = 0 or 32 (SHA-256 of the source statement)
     1 + n  receipt       ASCII letters, digits and hyphens, at most 32

Every entry has exactly one encoding and every accepted byte string exactly one entry:
:func:`decode` refuses whatever :func:`encode` would not have written, trailing octets
included. There is no MSISDN in it (a person is a dense id), so an entry may be shown, and a
number erased, without touching the proof.

The *position* is not inside. It is given last, under the one-row counter, just before the
commit: entries are encoded before and outside that lock, and in a Merkle tree the position
is the leaf's index, which the inclusion proof proves; written into the leaf it would only
say it twice, and could disagree. Positions start at 1, so that 0 can mean "none" in
`refers_to`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.message import Grade, Purpose

VERSION: Final = 1
_HEAD: Final = struct.Struct(">BH")
_FIXED: Final = struct.Struct(">BBBBBBQIQQQQQQ")
_AT: Final = _HEAD.size + 6
_PERSON: Final = _AT + 8
_STATEMENT: Final = 32
_LONGEST_RECEIPT: Final = 32
_LARGEST: Final = 2**63 - 1
"""Ids and times fit a signed 64-bit column of the store."""
_LARGEST_PERSON: Final = 2**32 - 1
_RECEIPT: Final = re.compile(r"[A-Za-z0-9-]{0,32}", re.ASCII)


class Kind(IntEnum):
    """What happened.

    REQUESTED: the person was asked (silence is no answer). GRANTED: the person agreed to a
    programme, or (programme 0, grade RECEIVER) took back a refusal of `purposes`. WITHDRAWN:
    the person refused, in `scope`. PAUSED: an unclear reply waits for a reader. RESUMED: the
    reader found no refusal in it (`refers_to` the pause). REASSIGNED: the number has a new
    holder; this person is over. EXPIRED: the agreed period ended. CORRECTED: the entry
    `refers_to` was wrong. EVIDENCE: proof attached to the grant `refers_to`. ERASED: the person
    asked to be forgotten; this person is over. RECEIVER_ONLY: the person's number was erased or
    given away before; from here on only grants of grade RECEIVER count. SETTING: rulebook,
    keywords, model or links changed; about nobody. `statement` is the SHA-256 of the canonical
    document, `receipt` names what it is.
    """

    REQUESTED = 1
    GRANTED = 2
    WITHDRAWN = 3
    PAUSED = 4
    RESUMED = 5
    REASSIGNED = 6
    EXPIRED = 7
    CORRECTED = 8
    EVIDENCE = 9
    ERASED = 10
    RECEIVER_ONLY = 11
    SETTING = 12


class Scope(IntEnum):
    """How far it reaches: one programme, the sender's whole group, or every group."""

    PROGRAMME = 1
    GROUP = 2
    PLATFORM = 3


class Channel(IntEnum):
    """The way by which it came."""

    SMS = 1
    WEB = 2
    VOICE = 3
    PAPER = 4
    COUNTER = 5
    API = 6
    MAIL = 7
    PLATFORM = 8


class Origin(IntEnum):
    """Who says so."""

    CUSTOMER = 1
    RECEIVER = 2
    STAFF = 3
    CARRIER = 4
    REGULATOR = 5
    PLATFORM = 6


NOBODY: Final = 0
"""The person of a SETTING, the only kind that is about nobody."""
REFERRING: Final = frozenset({Kind.RESUMED, Kind.CORRECTED, Kind.EVIDENCE})
"""Kinds that mean nothing without the entry they refer to."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry. 0 (or empty) in a field means "none".

    `at_ms`: when it happened, milliseconds since 1970. `purposes`: bit 1 << purpose
    (:func:`purpose_mask`). `wording`: id of the wording version shown. `expires_ms`: end of
    the agreed period. `statement`: SHA-256 of the statement where the numbers come from.
    `receipt`: the short code by which the person can look it up. `refers_to`: a position.
    """

    at_ms: int
    kind: Kind
    person: int
    group: int = 0
    sender: int = 0
    programme: int = 0
    purposes: int = 0
    scope: Scope = Scope.PROGRAMME
    channel: Channel = Channel.API
    origin: Origin = Origin.CUSTOMER
    grade: Grade = Grade.NONE
    wording: int = 0
    expires_ms: int = 0
    statement: bytes = b""
    refers_to: int = 0
    receipt: str = ""


_PURPOSES: Final = sum(1 << purpose for purpose in Purpose)


def purpose_mask(*purposes: Purpose) -> int:
    """Return the mask of these purposes: bit 1 << purpose each."""
    mask = 0
    for purpose in purposes:
        mask |= 1 << purpose
    return mask


def encode(entry: Entry) -> bytes:
    """Return the canonical bytes. Raises InvalidInput (`entry_invalid`) naming the field."""
    check(entry)
    fixed = _FIXED.pack(
        entry.kind,
        entry.scope,
        entry.channel,
        entry.origin,
        entry.grade,
        entry.purposes,
        entry.at_ms,
        entry.person,
        entry.group,
        entry.sender,
        entry.programme,
        entry.wording,
        entry.refers_to,
        entry.expires_ms,
    )
    receipt = entry.receipt.encode("ascii")
    body = b"".join(
        (fixed, bytes((len(entry.statement),)), entry.statement, bytes((len(receipt),)), receipt)
    )
    return _HEAD.pack(VERSION, len(body)) + body


def encode_many(
    entry: Entry, people: NDArray[np.uint32], at_ms: int | NDArray[np.uint64]
) -> list[bytes]:
    """Return the canonical bytes of entries that differ only in person and time (an import).

    The same as ``encode(replace(entry, person=..., at_ms=...))`` for each, some hundred
    times faster: one template, patched by columns. Raises InvalidInput as :func:`encode`;
    ValueError when the columns differ in length.
    """
    n = len(people)
    if not n:
        return []
    times = np.broadcast_to(np.asarray(at_ms), (n,))
    if isinstance(at_ms, np.ndarray) and len(at_ms) != n:
        raise ValueError(f"{len(at_ms)} times for {n} people")
    for moment in (int(times.min()), int(times.max())):
        for person in (int(people.min()), int(people.max())):
            check(replace(entry, person=person, at_ms=moment))
    template = encode(replace(entry, person=int(people[0]), at_ms=int(times[0])))
    size = len(template)
    rows = np.tile(np.frombuffer(template, np.uint8), (n, 1))
    rows[:, _AT:_PERSON] = times.astype(">u8").view(np.uint8).reshape(n, 8)
    rows[:, _PERSON : _PERSON + 4] = people.astype(">u4").view(np.uint8).reshape(n, 4)
    joined = rows.tobytes()
    return [joined[start : start + size] for start in range(0, n * size, size)]


def decode(data: bytes) -> Entry:
    """Return the entry that these bytes stand for.

    Raises InvalidInput (`entry_not_canonical`) for anything :func:`encode` does not write.
    """
    try:
        entry = _read(data)
        again = encode(entry)
    except (struct.error, ValueError, IndexError, InvalidInput) as error:
        raise _not_canonical(str(error)) from error
    if again != data:
        raise _not_canonical("other bytes stand for the same entry")
    return entry


def _read(data: bytes) -> Entry:
    version, length = _HEAD.unpack_from(data)
    if version != VERSION:
        raise ValueError(f"version {version} is unknown")
    if length != len(data) - _HEAD.size:
        raise ValueError("the length is wrong")
    fields = _FIXED.unpack_from(data, _HEAD.size)
    kind, scope, channel, origin, grade, purposes, at_ms, person, *ids = fields
    group, sender, programme, wording, refers_to, expires_ms = ids
    start = _HEAD.size + _FIXED.size
    statement, start = _counted(data, start)
    receipt, start = _counted(data, start)
    if start != len(data):
        raise ValueError("octets are left over")
    return Entry(
        at_ms=at_ms,
        kind=Kind(kind),
        person=person,
        group=group,
        sender=sender,
        programme=programme,
        purposes=purposes,
        scope=Scope(scope),
        channel=Channel(channel),
        origin=Origin(origin),
        grade=Grade(grade),
        wording=wording,
        expires_ms=expires_ms,
        statement=statement,
        refers_to=refers_to,
        receipt=receipt.decode("ascii"),
    )


def _counted(data: bytes, start: int) -> tuple[bytes, int]:
    end = start + 1 + data[start]
    if end > len(data):
        raise ValueError("a field runs past the end")
    return data[start + 1 : end], end


def check(entry: Entry) -> None:
    """Raise InvalidInput (`entry_invalid`) unless the entry can be written and makes sense."""
    if entry.kind is Kind.SETTING:
        _check_setting(entry)
    elif not 0 < entry.person <= _LARGEST_PERSON:
        raise _invalid("person", "a person id is 1 to 2**32 - 1")
    for name in ("at_ms", "group", "sender", "programme", "wording", "refers_to", "expires_ms"):
        if not 0 <= getattr(entry, name) <= _LARGEST:
            raise _invalid(name, "is 0 to 2**63 - 1")
    if entry.purposes & ~_PURPOSES or entry.purposes < 0:
        raise _invalid("purposes", "names a purpose that does not exist")
    if len(entry.statement) not in (0, _STATEMENT):
        raise _invalid("statement", "is a SHA-256 digest of 32 octets, or nothing")
    if not _RECEIPT.fullmatch(entry.receipt):
        raise _invalid("receipt", f"has at most {_LONGEST_RECEIPT} letters, digits, hyphens")
    _check_meaning(entry)


def _check_meaning(entry: Entry) -> None:
    if entry.kind in REFERRING and not entry.refers_to:
        raise _invalid("refers_to", f"{entry.kind.name.lower()} refers to an entry")
    if entry.kind in (Kind.WITHDRAWN, Kind.PAUSED) and not entry.purposes:
        raise _invalid("purposes", f"{entry.kind.name.lower()} names the purposes it ends")
    if entry.kind in (Kind.GRANTED, Kind.EVIDENCE) and entry.grade is Grade.NONE:
        raise _invalid("grade", f"{entry.kind.name.lower()} has a grade of proof")
    if entry.kind is Kind.GRANTED:
        _check_grant(entry)
    elif entry.kind in (Kind.WITHDRAWN, Kind.PAUSED, Kind.EXPIRED, Kind.REQUESTED):
        if entry.scope is Scope.PROGRAMME and not entry.programme:
            raise _invalid("programme", "this scope needs a programme")
        if entry.kind is Kind.PAUSED and entry.scope is Scope.PROGRAMME:
            raise _invalid("scope", "an unclear reply pauses the group or the platform")
        if entry.scope is Scope.GROUP and not entry.group:
            raise _invalid("group", "this scope needs a group")


def _check_setting(entry: Entry) -> None:
    """A setting says which document is in force from when on, and nothing else."""
    if entry.person != NOBODY:
        raise _invalid("person", "a setting is about nobody")
    bare = Entry(
        entry.at_ms, Kind.SETTING, NOBODY, scope=Scope.PLATFORM, channel=Channel.PLATFORM,
        origin=entry.origin, statement=entry.statement, receipt=entry.receipt,
    )  # fmt: skip
    if entry != bare or not entry.statement or not entry.receipt:
        raise _invalid("statement", "a setting has a digest, a name, and nothing else")


def _check_grant(entry: Entry) -> None:
    if entry.programme:
        if not entry.group or not entry.purposes or entry.scope is not Scope.PROGRAMME:
            raise _invalid("programme", "a grant to a programme has group, purposes and scope")
    elif entry.grade is not Grade.RECEIVER or not entry.purposes:
        raise _invalid("grade", "only the person takes back a refusal, and names the purposes")
    elif entry.scope is Scope.PROGRAMME or (entry.scope is Scope.GROUP and not entry.group):
        raise _invalid("scope", "taking back a refusal reaches a group or the platform")


def _invalid(field: str, message: str) -> InvalidInput:
    return InvalidInput("entry_invalid", f"{field}: {message}", field=field)


def _not_canonical(message: str) -> InvalidInput:
    return InvalidInput("entry_not_canonical", f"not a canonical entry: {message}")
