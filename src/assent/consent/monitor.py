"""What a monitor of a ledger finds: pure; who asks the log, and when, is handed in.

A monitor runs where the platform does not and remembers the last checkpoint that it was shown. It
trusts nobody's word but signatures and proofs: a log that shows it less than before (`rollback`),
something else (`fork`), or what the log's key did not sign (`bad_signature`) cannot explain that
away, since both notes are signed. What could be an accident is named as that: `no_progress`,
`unwitnessed`, `unreachable`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.consent.note import Checkpoint, KeyKind, Note, PublicKey
from assent.consent.tree import extends
from assent.errors import InvalidInput

WORDS: Final[Mapping[str, str]] = {
    "bad_signature": "the log's key did not sign what the log showed",
    "bad_checkpoint": "what the log showed is no checkpoint of it",
    "rollback": "the log showed fewer entries than before",
    "fork": "the log showed another history than before",
    "no_proof": "the log gave no proof that it extends what it showed before",
    "no_progress": "entries wait, and nothing was signed for long",
    "unwitnessed": "no witness has cosigned for long",
    "unreachable": "the log does not answer",
}
GRAVE: Final = frozenset({"bad_signature", "bad_checkpoint", "rollback", "fork", "no_proof"})
"""What no accident explains: what was shown before is kept, and nothing newer is believed."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong. `seen` and `size`: what was shown before and now."""

    code: str
    seen: int = 0
    size: int = 0
    detail: str = ""

    @property
    def words(self) -> str:
        """What it means."""
        return WORDS[self.code]


@dataclass(frozen=True, slots=True)
class Told:
    """What a log says of itself (GET /v1/ledger): its note, how many entries it has not signed yet,
    when it signed last and each witness saw it (unix seconds)."""

    note: str
    unsealed: int = 0
    sealed_at: float = 0.0
    witnesses: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """A log: its name, its key, and for how long nothing may happen."""

    origin: str
    key: PublicKey
    patience_s: float = 3_600.0


def read(watched: Watched, note: str) -> tuple[Checkpoint | None, Finding | None]:
    """Return the checkpoint of a note, or why it is none of this log."""
    try:
        parsed = Note.parse(note)
        checkpoint = Checkpoint.parse(parsed.text)
    except InvalidInput as error:
        return None, Finding("bad_checkpoint", detail=error.message)
    if checkpoint.origin != watched.origin:
        return None, Finding("bad_checkpoint", detail=f"it is of {checkpoint.origin}")
    try:
        signed = parsed.signers([watched.key])
    except InvalidInput:
        signed = []
    if not signed or watched.key.kind is not KeyKind.NOTE:
        return None, Finding("bad_signature", size=checkpoint.size)
    return checkpoint, None


def compare(seen: Checkpoint, now: Checkpoint, proof: Sequence[bytes] | None) -> Finding | None:
    """Return what is wrong between what was shown before and what is shown now. `proof`: from the
    one size to the other, None where the log gave none."""
    if now.size < seen.size:
        return Finding("rollback", seen.size, now.size)
    if now.size == seen.size:
        return None if now.root == seen.root else Finding("fork", seen.size, now.size)
    if not seen.size:
        return None
    if proof is None:
        return Finding("no_proof", seen.size, now.size)
    if not extends(seen.size, now.size, proof, seen.root, now.root):
        return Finding("fork", seen.size, now.size)
    return None


def overdue(watched: Watched, told: Told, size: int, now: float) -> list[Finding]:
    """Return what has not happened for too long."""
    found = []
    if told.unsealed and now - told.sealed_at > watched.patience_s:
        detail = f"{told.unsealed} entries wait"
        found.append(Finding("no_progress", size, size, detail))
    if told.witnesses and now - max(at for _, at in told.witnesses) > watched.patience_s:
        found.append(Finding("unwitnessed", size, size))
    return found


def shown(finding: Finding, origin: str, at: str) -> dict[str, Any]:
    """Return a finding as the line that is printed."""
    return {
        "at": at, "log": origin, "code": finding.code, "grave": finding.code in GRAVE,
        "words": finding.words, "seen": finding.seen, "size": finding.size,
        "detail": finding.detail,
    }  # fmt: skip
