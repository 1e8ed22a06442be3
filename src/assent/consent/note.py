"""Signed notes, checkpoints and cosignatures: how the ledger says what it is, and who saw it.

Formats of the C2SP: `signed-note` (a text, a blank line, signature lines), `tlog-checkpoint` (its
text is origin, size and root) and `tlog-cosignature` (a witness's Ed25519 signature with the
time at which it saw that the tree extends the one it saw before). The same formats serve public
transparency logs, so public tools read ours.

Parsing is strict: what :func:`str` of the result would not give back is refused, so that a note has
one reading. Nothing here asks for the time; who cosigns hands it in.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from assent.errors import InvalidInput

_DASH: Final = "\u2014 "
_NAME: Final = re.compile(r"[^\s+]+")
_SIZE: Final = re.compile(r"0|[1-9][0-9]{0,18}")
_SIGNATURE: Final = 64
_ROOT: Final = 32
_MOST_SIGNATURES: Final = 100
_LONGEST: Final = 1_000_000


class KeyKind(IntEnum):
    """What a key signs: the type octet of its public form."""

    NOTE = 1
    COSIGNATURE = 4


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with. `name` is part of its identity."""

    name: str
    kind: KeyKind
    octets: bytes

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None:
            raise _wrong("key_name", "a key's name has no spaces and no plus signs")
        if len(self.octets) != 32:
            raise _wrong("key_octets", "an Ed25519 key has 32 octets")

    @property
    def id(self) -> bytes:
        """The four octets that a signature line begins with."""
        kind = bytes([self.kind])
        return sha256(self.name.encode() + b"\n" + kind + self.octets).digest()[:4]

    def __str__(self) -> str:
        key = b64encode(bytes([self.kind]) + self.octets).decode()
        return f"{self.name}+{self.id.hex()}+{key}"

    def signed(self, text: str, signature: bytes) -> bool:
        """Return whether this key made a signature (octets after the id) of a note's text."""
        message = text.encode()
        if self.kind is KeyKind.COSIGNATURE:
            if len(signature) != 8 + _SIGNATURE:
                return False
            message = _cosigned(text, int.from_bytes(signature[:8], "big"))
            signature = signature[8:]
        if len(signature) != _SIGNATURE:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.octets).verify(signature, message)
        except InvalidSignature:
            return False
        return True

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Return the key of a line ``name+id+key``. Raises InvalidInput."""
        name, _, rest = text.partition("+")
        key_id, _, encoded = rest.partition("+")
        octets = _decoded(encoded, "key")
        if not octets or octets[0] not in list(KeyKind):
            raise _wrong("key_kind", "the key is of no kind that we know")
        key = cls(name, KeyKind(octets[0]), octets[1:])
        if str(key) != text or key.id.hex() != key_id:
            raise _wrong("key_id", "the key's id does not belong to it")
        return key


class SigningKey:
    """A private key; it stays where it is made. `seed`: 32 octets."""

    def __init__(self, name: str, kind: KeyKind, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = PublicKey(name, kind, self._key.public_key().public_bytes_raw())

    def sign(self, text: str, at: int = 0) -> Signature:
        """Return a signature of a note's text; a cosignature says that it was seen at `at`, unix
        seconds."""
        if self.public.kind is KeyKind.COSIGNATURE:
            made = at.to_bytes(8, "big") + self._key.sign(_cosigned(text, at))
        else:
            made = self._key.sign(text.encode())
        return Signature(self.public.name, self.public.id, made)


@dataclass(frozen=True, slots=True)
class Signature:
    """A signature line. `octets`: what follows the key's id."""

    name: str
    key_id: bytes
    octets: bytes

    @property
    def seen_at(self) -> int:
        """When a witness saw it, unix seconds; only of a cosignature that was checked."""
        return int.from_bytes(self.octets[:8], "big")

    def __str__(self) -> str:
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.octets).decode()}\n"


@dataclass(frozen=True, slots=True)
class Note:
    """A text, which ends with a line feed, and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    def __str__(self) -> str:
        return f"{self.text}\n{''.join(map(str, self.signatures))}"

    def signers(self, keys: Iterable[PublicKey]) -> list[tuple[PublicKey, Signature]]:
        """Return which of some keys signed it.

        Raises InvalidInput (`signature_wrong`) where a line claims to be of one of them and is
        not; lines of other keys say nothing.
        """
        found: list[tuple[PublicKey, Signature]] = []
        for key in keys:
            for line in self.signatures:
                if (line.name, line.key_id) != (key.name, key.id):
                    continue
                if not key.signed(self.text, line.octets):
                    raise _wrong("signature_wrong", f"the signature of {key.name} is not its own")
                found.append((key, line))
        return found

    def signed_by(self, *more: Signature) -> Note:
        """Return the note with more signatures at its end."""
        return Note(self.text, (*self.signatures, *more))

    @classmethod
    def parse(cls, data: str) -> Note:
        """Return the note. Raises InvalidInput for anything that is not exactly one."""
        body, gap, lines = data.rpartition("\n\n")
        if len(data) > _LONGEST or not gap or not lines.endswith("\n") or not body:
            raise _wrong("note_form", "no text, blank line and signatures")
        if any(ord(char) < 32 and char != "\n" for char in data):
            raise _wrong("note_form", "a control character")
        rows = lines[:-1].split("\n")
        if len(rows) > _MOST_SIGNATURES:
            raise _wrong("note_form", f"more than {_MOST_SIGNATURES} signatures")
        note = cls(body + "\n", tuple(_line(row) for row in rows))
        if str(note) != data:
            raise _wrong("note_form", "other octets stand for the same note")
        return note


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a log says of itself: its tree had `size` leaves and this root. `origin` names the log,
    `more`: lines beyond what the format asks for."""

    origin: str
    size: int
    root: bytes
    more: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [self.origin, str(self.size), b64encode(self.root).decode(), *self.more]
        return "".join(f"{line}\n" for line in lines)

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Return the checkpoint that a note's text is. Raises InvalidInput."""
        if not text.endswith("\n"):
            raise _wrong("checkpoint_form", "the last line has no end")
        lines = text[:-1].split("\n")
        if len(lines) < 3 or not all(lines):
            raise _wrong("checkpoint_form", "a checkpoint has three lines or more, none empty")
        origin, size, root, *more = lines
        if _SIZE.fullmatch(size) is None:
            raise _wrong("checkpoint_size", "the size is a number without leading zeros")
        checkpoint = cls(origin, int(size), _decoded(root, "root"), tuple(more))
        if len(checkpoint.root) != _ROOT or str(checkpoint) != text:
            raise _wrong("checkpoint_root", "the root is 32 octets in base64")
        return checkpoint


def _line(row: str) -> Signature:
    if not row.startswith(_DASH):
        raise _wrong("note_form", "a signature line begins with a dash")
    name, space, encoded = row[len(_DASH) :].partition(" ")
    octets = _decoded(encoded, "signature")
    if not space or _NAME.fullmatch(name) is None or len(octets) < 5:
        raise _wrong("note_form", "a signature line has a name, and an id with a signature")
    return Signature(name, octets[:4], octets[4:])


def _cosigned(text: str, at: int) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def _decoded(text: str, field: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _wrong("note_base64", "not base64", field) from None


def _wrong(code: str, words: str, field: str = "note") -> InvalidInput:
    return InvalidInput(code, words, field=field, rule="C2SP signed-note")
