"""A reply to the operator's own number, as an answer to whatever was asked from there."""

from __future__ import annotations

from dataclasses import dataclass

from assent.text.keywords import Kind


@dataclass(frozen=True, slots=True)
class Answered:
    """`kind`: what its words are by themselves. `refused`: groups that it refuses."""

    person: int
    text: str
    kind: Kind = Kind.NONE
    refused: tuple[int, ...] = ()
    reply_id: int = 0
