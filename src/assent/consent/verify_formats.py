"""Formats and proofs as their publications define them, for :mod:`assent.consent.verify` alone.

Written apart from `note.py`, `tree.py` and `bundle.py` on purpose, and importing none of them:
RFC 6962 2.1 recursively as its definitions stand, C2SP signed-note, tlog-checkpoint and
tlog-cosignature, and the ZIP file format for files that are stored as they are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_LARGEST: Final = 1 << 30


class Unreadable(Exception):
    """It is not an archive of this format."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key. `kind`: 1 signs notes, 4 cosigns checkpoints."""

    name: str
    kind: int
    octets: bytes
    id: bytes


# Archive -------------------------------------------------------------------------------------

_LOCAL: Final = struct.Struct("<4s5H3I2H")
_CENTRAL: Final = struct.Struct("<4s6H3I5H2I")
_END: Final = struct.Struct("<4s4H2IH")
_DAY: Final = 0x21  # 1 January 1980


def unpack(archive: bytes, faults: list[tuple[str, str]]) -> dict[str, bytes]:
    """Return the files; what the format leaves no room for is a fault. Raises Unreadable."""
    if len(archive) > _LARGEST or not archive.startswith(b"PK\x03\x04"):
        raise Unreadable("it is no archive")
    files: dict[str, bytes] = {}
    central = b""
    at = 0
    while archive[at : at + 4] == b"PK\x03\x04":
        if at + _LOCAL.size > len(archive):
            raise Unreadable("the archive is cut off")
        head = _LOCAL.unpack_from(archive, at)
        _, version, flags, method, time, day, crc, packed, size, name_size, extra = head
        start = at + _LOCAL.size + name_size + extra
        octets = archive[start : start + packed]
        name = archive[at + _LOCAL.size : at + _LOCAL.size + name_size].decode("utf-8", "replace")
        if len(octets) != packed or method or packed != size:
            raise Unreadable(f"{name} is cut off or compressed")
        if (version, flags, time, day, extra) != (20, 0, 0, _DAY, 0) or not name.isascii():
            faults.append(("archive_form", name))
        if crc != zlib.crc32(octets):
            faults.append(("archive_form", f"checksum of {name}"))
        if name in files:
            faults.append(("file_twice", name))
        elif files and name < list(files)[-1]:
            faults.append(("file_order", name))
        files[name] = octets
        central += _CENTRAL.pack(
            b"PK\x01\x02", 3 << 8 | 20, 20, 0, 0, 0, _DAY, zlib.crc32(octets), size, size,
            name_size, 0, 0, 0, 0, 0o100644 << 16, at,
        ) + name.encode()  # fmt: skip
        at = start + packed
    count = len(files)
    end = _END.pack(b"PK\x05\x06", 0, 0, count, count, len(central), at, 0)
    if archive[at:] != central + end:
        faults.append(("archive_form", "directory"))
    return files


# Formats -------------------------------------------------------------------------------------


def key_of(line: str) -> Key:
    name, _, rest = line.partition("+")
    key_id, _, encoded = rest.partition("+")
    octets = octets_of(encoded, "key")
    if len(octets) != 33 or octets[0] not in (1, 4) or not name:
        raise Unreadable("a key is not of a kind that is known")
    made = hashlib.sha256(name.encode() + b"\n" + octets).digest()[:4]
    if made.hex() != key_id:
        raise Unreadable(f"the id of the key {name} does not belong to it")
    return Key(name, octets[0], octets[1:], made)


def signed_by(key: Key, text: str, signature: bytes) -> bool:
    message = text.encode()
    if key.kind == 4:
        message = b"cosignature/v1\ntime %d\n" % int.from_bytes(signature[:8], "big") + message
        signature = signature[8:]
    try:
        Ed25519PublicKey.from_public_bytes(key.octets).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def note_of(
    octets: bytes, place: str, keys: Sequence[Key]
) -> tuple[str, list[tuple[Key, bytes]], list[str]]:
    """Return a signed note's text, which keys signed it, and the names of those that did not
    although a line says so. Raises Unreadable."""
    whole = text_of(octets, place)
    text, gap, lines = whole.rpartition("\n\n")
    if not gap or not lines.endswith("\n"):
        raise Unreadable(f"{place} is no signed note")
    text += "\n"
    signed: list[tuple[Key, bytes]] = []
    wrong: list[str] = []
    for row in lines[:-1].split("\n"):
        match = re.fullmatch("\u2014 ([^\\s+]+) ([A-Za-z0-9+/]+=*)", row)
        if match is None:
            raise Unreadable(f"{place} has a line that is no signature")
        line = octets_of(match[2], place)
        for key in keys:
            if key.name == match[1] and key.id == line[:4]:
                if signed_by(key, text, line[4:]):
                    signed.append((key, line[4:]))
                else:
                    wrong.append(key.name)
    return text, signed, wrong


def checkpoint_of(text: str, place: str) -> tuple[str, int, bytes]:
    lines = text.split("\n")
    if len(lines) < 4 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
        raise Unreadable(f"{place} is no checkpoint")
    root = octets_of(lines[2], place)
    if len(root) != 32:
        raise Unreadable(f"{place} has no root")
    return lines[0], int(lines[1]), root


def entry_of(one: Any) -> tuple[int, bytes, bytes, list[bytes]]:
    try:
        position, words = one["position"], one["words"]
        body, secret = bytes.fromhex(one["body"]), bytes.fromhex(one["secret"])
        if type(position) is not int or position < 1 or not isinstance(words, dict):
            raise ValueError
        return position, body, secret, hashes_of(one["proof"])
    except (KeyError, TypeError, ValueError):
        raise Unreadable("entries.json holds something else than entries") from None


KINDS: Final = {
    1: "requested", 2: "granted", 3: "withdrawn", 4: "paused", 5: "resumed", 6: "reassigned",
    7: "expired", 8: "corrected", 9: "evidence", 10: "erased", 11: "receiver_only", 12: "setting",
}  # fmt: skip
SETTING: Final = 12
_BODY: Final = struct.Struct(">BHBBBBBBQIQQQQQQB")


@dataclass(frozen=True, slots=True)
class Fields:
    """What an entry's octets say, as far as it is compared with the words beside them."""

    kind: int
    origin: int
    purposes: int
    at_ms: int
    person: int
    wording: int
    statement: bytes
    receipt: str


def fields_of(body: bytes) -> Fields | None:
    """Read an entry's octets (version 1), None where they are none."""
    if len(body) < _BODY.size + 1:
        return None
    version, length, kind, _, _, origin, _, purposes, at_ms, person, *ids, size = _BODY.unpack_from(
        body
    )
    wording = ids[3]
    end = _BODY.size + size
    if version != 1 or length != len(body) - 3 or size not in (0, 32) or len(body) <= end:
        return None
    receipt = body[end + 1 :]
    if body[end] != len(receipt) or len(receipt) > 32 or kind not in KINDS:
        return None
    if re.fullmatch(rb"[A-Za-z0-9-]*", receipt) is None:
        return None
    statement = body[_BODY.size : end]
    return Fields(
        kind, origin, purposes, at_ms, person, wording, statement, receipt.decode()
    )  # fmt: skip


def hashes_of(lines: Any) -> list[bytes]:
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise Unreadable("a proof is no list of hashes")
    return [octets_of(line, "a proof") for line in lines]


def octets_of(text: str, place: str) -> bytes:
    try:
        octets = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        octets = b""
    if not octets or base64.b64encode(octets).decode() != text:
        raise Unreadable(f"{place} holds something that is no base64")
    return octets


def text_of(octets: bytes, place: str) -> str:
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise Unreadable(f"{place} is no UTF-8") from None


# Proofs (RFC 6962 2.1, recursively as its definitions are written) ---------------------------


def _above(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def _split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


def included(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> bool:
    """Rebuild the root from PATH(m, D[n]): the last hash of the proof is the topmost."""
    if not 0 <= index < size:
        return False
    turns: list[bool] = []  # whether the leaf is on the left, from the top down
    start, count = 0, size
    while count > 1:
        k = _split(count)
        turns.append(index - start < k)
        start, count = (start, k) if turns[-1] else (start + k, count - k)
    if len(turns) != len(proof):
        return False
    found = leaf
    for left, part in zip(reversed(turns), proof, strict=True):
        found = _above(found, part) if left else _above(part, found)
    return found == root


def extended(old: int, new: int, proof: list[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Rebuild both roots from PROOF(m, D[n])."""
    if old == new:
        return not proof and old_root == new_root
    if not 0 < old < new:
        return False
    parts = iter(reversed(proof))
    try:
        first, second = _subproof(old, new, True, parts, old_root)
    except StopIteration:
        return False
    return next(parts, None) is None and first == old_root and second == new_root


def _subproof(
    m: int, n: int, whole: bool, parts: Iterator[bytes], old_root: bytes
) -> tuple[bytes, bytes]:
    """Return the hashes of the first m and of all n leaves of a subtree, as SUBPROOF tells them."""
    if m == n:
        found = old_root if whole else next(parts)
        return found, found
    k = _split(n)
    if m <= k:
        right = next(parts)
        first, left = _subproof(m, k, whole, parts, old_root)
        return first, _above(left, right)
    left = next(parts)
    first, right = _subproof(m - k, n - k, False, parts, old_root)
    return _above(left, first), _above(left, right)
