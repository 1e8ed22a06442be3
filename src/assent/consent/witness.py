"""What a witness does (C2SP tlog-witness): it cosigns a checkpoint only if the tree extends the one
that it cosigned last.

So a log cannot show two histories to two people without its witnesses' help, nor forget what it
once showed. A witness keeps one (size, root) a log and nothing of what the log holds. Pure: who
keeps that and when it is asked is handed in.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from assent.consent.note import Checkpoint, Note, PublicKey, Signature, SigningKey
from assent.consent.tree import EMPTY_ROOT, HASH, extends
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound

_OLD: Final = re.compile(r"old (0|[1-9][0-9]{0,18})")
_LONGEST_PROOF: Final = 63


@dataclass(frozen=True, slots=True)
class Seen:
    """What a witness cosigned last of a log."""

    size: int = 0
    root: bytes = EMPTY_ROOT


@dataclass(frozen=True, slots=True)
class Request:
    """Ask for a cosignature: the size that the witness is believed to have seen, the proof from
    there, and the log's note."""

    old: int
    proof: tuple[bytes, ...]
    note: Note

    def __str__(self) -> str:
        lines = [f"old {self.old}", *(b64encode(part).decode() for part in self.proof)]
        return "".join(f"{line}\n" for line in lines) + f"\n{self.note}"

    @classmethod
    def parse(cls, text: str) -> Request:
        """Return the request that a body holds. Raises InvalidInput."""
        head, gap, note = text.partition("\n\n")
        first, *lines = head.split("\n")
        old = _OLD.fullmatch(first)
        if not gap or old is None or len(lines) > _LONGEST_PROOF:
            raise _wrong("witness_request", "an `old` line, a proof, a blank line and a note")
        request = cls(int(old[1]), tuple(_hash(line) for line in lines), Note.parse(note))
        if str(request) != text:
            raise _wrong("witness_request", "other octets stand for the same request")
        return request


class SizeConflict(Conflict):
    """The witness has seen another size than the log believes: `size`."""

    def __init__(self, size: int) -> None:
        super().__init__(
            "witness_size", "the witness has seen another size", field="old",
            rule="C2SP tlog-witness", mend=f"send a proof from {size}", details={"size": size},
        )  # fmt: skip
        self.size = size


def consider(
    request: Request, logs: Mapping[str, PublicKey], seen: Mapping[str, Seen]
) -> tuple[str, Seen]:
    """Return the origin and what will have been seen of it if the witness cosigns.

    The caller keeps that durably *before* it signs. Raises NotFound for an unknown log, NotAllowed
    for a note that the log did not sign, SizeConflict, and InvalidInput (`witness_proof`, status
    422) where the tree does not extend what was seen.
    """
    checkpoint = Checkpoint.parse(request.note.text)
    key = logs.get(checkpoint.origin)
    if key is None:
        raise NotFound("witness_log", "this witness does not know the log", field="note")
    try:
        signed = request.note.signers([key])
    except InvalidInput:
        signed = []
    if not signed:
        raise NotAllowed("witness_signature", "the log did not sign this note", field="note")
    last = seen.get(checkpoint.origin, Seen())
    if request.old > checkpoint.size:
        raise _wrong("witness_request", "the old size is beyond the new one")
    if request.old != last.size:
        raise SizeConflict(last.size)
    if not extends(last.size, checkpoint.size, request.proof, last.root, checkpoint.root):
        if last.size == checkpoint.size and not request.proof:
            raise SizeConflict(last.size)  # the same size with another root: a fork
        raise InvalidInput(
            "witness_proof", "the tree does not extend what was seen", field="proof",
            rule="C2SP tlog-witness", mend="there is none if the log was rewritten", status=422,
        )  # fmt: skip
    return checkpoint.origin, Seen(checkpoint.size, checkpoint.root)


def cosign(request: Request, key: SigningKey, at: int) -> Signature:
    """Return the cosignature of a request that was considered, seen at `at` (unix seconds)."""
    return key.sign(request.note.text, at)


def cosigned(note: Note, answer: str, witness: PublicKey) -> Note:
    """Return a note with what a witness answered. Raises InvalidInput unless the answer holds the
    witness's own cosignature of it."""
    lines = Note.parse(f"{note.text}\n{answer}").signatures
    found = Note(note.text, lines).signers([witness])
    if not found:
        raise _wrong("witness_answer", "the answer holds no cosignature of the witness")
    return note.signed_by(found[0][1])


def witnessed_at(note: Note, witnesses: Sequence[PublicKey]) -> dict[str, int]:
    """Return when each of some witnesses saw a note, unix seconds; wrong signatures raise."""
    return {key.name: line.seen_at for key, line in note.signers(witnesses)}


def _hash(line: str) -> bytes:
    try:
        found = b64decode(line, validate=True)
    except (Base64Error, ValueError):
        found = b""
    if len(found) != HASH:
        raise _wrong("witness_request", "a line of the proof is no hash in base64")
    return found


def _wrong(code: str, words: str) -> InvalidInput:
    return InvalidInput(code, words, rule="C2SP tlog-witness")
