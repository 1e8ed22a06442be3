"""Files of fingerprints: what one platform tells another of texts, without the texts.

    assent fingerprints v1
    NAME                     the platform, which is its key's name
    2026-11-22               when it was made
    2                        how many rows
    SHA-256 of the rows      in hexadecimal digits

    — NAME SIGNATURE         a line of a C2SP signed-note

    SIGNATURE CATEGORY FIRST LAST USES seen|refused
    ...

Rows are in the order of their signatures (screen/minhash.py, in base64). Uses are rounded down to
1, 2 or 5 times a power of ten. One content has one form: any other octets are refused.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from itertools import pairwise
from typing import Final

from assent.consent.note import Note, PublicKey, SigningKey
from assent.errors import InvalidInput
from assent.screen.categories import BY_CODE
from assent.screen.minhash import OCTETS

MOST_ROWS: Final = 40_000
_HEAD: Final = "assent fingerprints v1"
_ROW: Final = re.compile(
    r"([A-Za-z0-9+/]{128}) (-|[a-z_]{1,40}) (\d{4}-\d\d-\d\d) (\d{4}-\d\d-\d\d) ([1-9]\d{0,8})"
    r" (seen|refused)"
)


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A text that a platform tells of. `category`: a code of screen/categories.py or ''. `refused`:
    a person turned it down there. `uses`: orders and templates, rounded down."""

    signature: bytes
    category: str
    first: date
    last: date
    uses: int
    refused: bool

    def __str__(self) -> str:
        word = "refused" if self.refused else "seen"
        signature = b64encode(self.signature).decode()
        days = f"{self.first.isoformat()} {self.last.isoformat()}"
        return f"{signature} {self.category or '-'} {days} {self.uses} {word}\n"


@dataclass(frozen=True, slots=True)
class FingerprintFile:
    """A file that was read: from whom, of what day, what."""

    platform: str
    made: date
    rows: tuple[Fingerprint, ...]


def rounded(uses: int) -> int:
    """Return a count as it is told: 1, 2 or 5 times a power of ten, not more than it is."""
    power: int = 10 ** (len(str(max(1, uses))) - 1)
    return max(step * power for step in (1, 2, 5) if step * power <= max(1, uses))


def written(key: SigningKey, made: date, rows: Iterable[Fingerprint]) -> str:
    """Return the file of some fingerprints, each of another signature."""
    ordered = sorted(rows, key=lambda row: row.signature)
    body = "".join(map(str, ordered))
    text = "".join(
        f"{line}\n"
        for line in (_HEAD, key.public.name, made.isoformat(), len(ordered), _digest(body))
    )
    return f"{Note(text, (key.sign(text),))}\n{body}"


def named(data: str) -> str:
    """Return the platform that a file says it is of, unproved. Raises InvalidInput."""
    lines = data[:1_000].split("\n")
    if len(lines) < 2 or lines[0] != _HEAD:
        raise wrong("it is no file of fingerprints")
    return lines[1]


def read(data: str, key: PublicKey) -> FingerprintFile:
    """Return what a file says. Raises InvalidInput `fingerprint_file` for one that the key did not
    sign, that was changed, or that has another form than :func:`written` gives it."""
    parts = data.split("\n\n", 2)
    if len(parts) != 3:
        raise wrong("head, signature or rows are missing")
    note = Note.parse(f"{parts[0]}\n\n{parts[1]}\n")
    if not note.signers([key]):
        raise wrong(f"{key.name} did not sign it")
    head = parts[0].split("\n")
    if len(head) != 5 or head[0] != _HEAD or head[1] != key.name:
        raise wrong("the head is of another form, or names another platform than signed it")
    if head[4] != _digest(parts[2]):
        raise wrong("the rows are not those that were signed")
    rows = tuple(_row(line, place) for place, line in enumerate(_lines(parts[2]), start=1))
    made = _day(head[2], "the head")
    if head[3] != str(len(rows)) or len(rows) > MOST_ROWS:
        raise wrong(f"it has {len(rows)} rows, and may have {MOST_ROWS}")
    if any(one.signature >= other.signature for one, other in pairwise(rows)):
        raise wrong("the rows are not in order, or one stands there twice")
    return FingerprintFile(key.name, made, rows)


def _lines(body: str) -> Sequence[str]:
    if body and not body.endswith("\n"):
        raise wrong("the last row has no end")
    return body.split("\n")[:-1]


def _row(line: str, place: int) -> Fingerprint:
    where = f"row {place}"
    found = _ROW.fullmatch(line)
    if found is None:
        raise wrong(f"{where} is of another form")
    encoded, category, first, last, uses, word = found.groups()
    try:
        signature = b64decode(encoded, validate=True)
    except binascii.Error:
        raise wrong(f"{where} has no signature") from None
    if len(signature) != OCTETS or not any(signature):
        raise wrong(f"{where} has no signature")
    if category != "-" and category not in BY_CODE:
        raise wrong(f"{where} names a category that there is not")
    row = Fingerprint(
        signature, category.strip("-"), _day(first, where), _day(last, where), int(uses),
        word == "refused",
    )  # fmt: skip
    if row.last < row.first or rounded(row.uses) != row.uses:
        raise wrong(f"{where} has its days the wrong way round, or a count that is not rounded")
    return row


def _day(text: str, where: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise wrong(f"{where} names a day that there is not") from None


def _digest(body: str) -> str:
    return sha256(body.encode()).hexdigest()


def wrong(words: str) -> InvalidInput:
    """Return the error about a file."""
    return InvalidInput(
        "fingerprint_file", words, field="file", rule="screening: fingerprints",
        mend="have the platform export it anew, and hand it in as it came",
    )  # fmt: skip
