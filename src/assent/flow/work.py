"""A leased batch and its committed windows, as dispatch holds them in memory.

Nothing here is durable: all of it can be made again from the batch row, the windows and
their results (recover.py).
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from assent.flow.columns import I16, U8, U32, unpack, unpack_object
from assent.flow.render import Rendering
from assent.message import NO_WORDS, AttemptStatus, Purpose
from assent.text import PLAIN, Alphabet, Coding, LongText, Writing, encode_ucs2
from assent.wire.kit import Form, Kit


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch row. Columns are arrays of length n. `content` begins with the signature, also where
    the carrier adds it (`writing`)."""

    id: int
    submission_id: int
    account_id: int
    campaign_id: int | None
    sender_id: int
    group_id: int
    programme_id: int
    port_id: int
    port_number: str
    service_code: str
    template_id: int
    purpose: Purpose
    carrier: str
    position: int
    price: int
    not_before: datetime
    expires_at: datetime
    content: str
    people: npt.NDArray[np.uint32]
    rows: npt.NDArray[np.uint32]
    zones: npt.NDArray[np.int16]
    segments: npt.NDArray[np.uint8]
    variables: dict[str, list[str]] | None
    accepted_at: datetime
    writing: Writing = PLAIN
    video_id: int | None = None  # the content, where it is no text
    provinces: npt.NDArray[np.uint8] | None = None  # where each person's number is at home
    uncapped: bool = False  # counts under no cap; retries of what was tried claim nothing anyway
    category: str = ""  # what screening said of its text, '' where nobody knows

    @property
    def n(self) -> int:
        """Number of messages."""
        return len(self.people)

    @property
    def judged_for(self) -> tuple[int, int]:
        """The ledger's position that it was judged at, and its programme."""
        return self.position, self.programme_id

    @property
    def words(self) -> int:
        """What the chain asks about: a template, 0 for none, NO_WORDS for a video."""
        return self.template_id if self.video_id is None else NO_WORDS

    @classmethod
    def from_row(cls, row: Any) -> Batch:
        """Return the batch of a row of the query `batches`."""
        variables = row["variables"]
        return cls(
            id=row["id"],
            submission_id=row["submission_id"],
            account_id=row["account_id"],
            campaign_id=row["campaign_id"],
            sender_id=row["sender_id"],
            group_id=row["group_id"],
            programme_id=row["programme_id"],
            port_id=row["port_id"],
            port_number=row["port_number"],
            service_code=row["service_code"],
            template_id=row["template_id"],
            purpose=Purpose(row["purpose"]),
            carrier=row["carrier"],
            position=row["position"],
            price=row["price"],
            not_before=row["not_before"],
            expires_at=row["expires_at"],
            content=row["content"],
            people=unpack(row["people"], U32),
            rows=unpack(row["rows"], U32),
            zones=unpack(row["zones"], I16),
            segments=unpack(row["segments"], U8),
            variables=unpack_object(variables) if variables is not None else None,
            accepted_at=row["accepted_at"],
            writing=writing_of(row["writing"]),
            video_id=row["video_id"],
            provinces=None if row["provinces"] is None else unpack(row["provinces"], U8),
            category=row["category"],
        )


def writing_of(told: str | None) -> Writing:
    """Return how messages of a row are written."""
    return PLAIN if told is None else Writing.of(msgspec.json.decode(told))


class Work:
    """A batch that this process has leased."""

    __slots__ = (
        "accepted",
        "alphabet",
        "apart",
        "aside",
        "batch",
        "cut",
        "ended_early",
        "expires",
        "fixed_parts",
        "forms",
        "guard",
        "held",
        "lane",
        "lapses",
        "left",
        "looked",
        "msisdns",
        "rendering",
        "todo",
        "tries",
        "whole",
    )

    def __init__(
        self,
        batch: Batch,
        lane: int,
        msisdns: npt.NDArray[np.uint64],
        todo: list[int],
        bundle: bytes | None = None,
    ) -> None:
        """`bundle`: what goes out to everybody where it is no text (video_contents.py)."""
        self.batch = batch
        self.lane = lane
        self.msisdns: list[int] = msisdns.tolist()
        self.todo: deque[int] = deque(todo)  # slots to attempt
        self.left = len(todo)  # messages whose end is not known
        self.tries: dict[int, int] = {}  # slot → number of the last try, where over 0
        # Slot → segments of long texts that are not to be written (again): the carrier has
        # them, refused them, or may have them.
        self.accepted: dict[int, set[int]] = {}
        # Answered windows kept open until these slots are tried again or ended, so that a
        # confirmation waits for the rest of a long message (results.py).
        self.held: dict[int, set[int]] = {}
        # People whose standing ended before this process began to follow the ledger.
        self.ended_early: set[int] = set()
        # Whose standing ends by date before the batch expires, and when.
        self.lapses: dict[int, float] = {}
        # Why it may not leave now: WITHHELD_STOPPED, WITHHELD_RESTRICTED, HELD_BACK, or None.
        self.aside: int | None = None
        # The same of slots whose receivers live where a restriction holds, and the version of the
        # restrictions that this was found by.
        self.apart: dict[int, int] = {}
        self.looked = -1
        self.expires = batch.expires_at.timestamp()
        self.guard = 1 << batch.purpose
        # Long texts go as one PDU each, which stands for all their segments.
        self.whole = batch.writing.long_text is LongText.PAYLOAD
        self.rendering = Rendering(batch.writing.own(batch.content), batch.variables)
        # What all messages are written in; None where their texts decide it.
        self.alphabet: Alphabet | None = None
        self.fixed_parts: list[bytes] | None = None
        self.forms: dict[Kit, Form] = {}  # of the links that took of it
        # The message that was cut last: its segments are asked for one after the other.
        self.cut: tuple[int, Alphabet, list[bytes]] | None = None
        if batch.video_id is not None:
            self.alphabet, self.fixed_parts = Alphabet.UCS2, [bundle or b""]
        elif self.rendering.fixed and batch.n:
            self.alphabet, self.fixed_parts = batch.writing.parts(self.rendering.text(0), batch.id)
        elif batch.writing.coding is Coding.UCS2:
            self.alphabet = Alphabet.UCS2

    def contents(self, slots: list[int]) -> list[bytes]:
        """Return the contents of messages of one segment each, all written in `alphabet`."""
        if self.fixed_parts is not None:
            return self.fixed_parts * len(slots)
        return encode_ucs2(self.rendering.some(slots))

    def parts(self, slot: int) -> tuple[Alphabet, list[bytes]]:
        """Return the alphabet of a message and the content of each of its SUBMITs."""
        if self.fixed_parts is not None and self.alphabet is not None:
            return self.alphabet, self.fixed_parts
        if self.cut is None or self.cut[0] != slot:
            text = self.rendering.text(slot)
            self.cut = (slot, *self.batch.writing.parts(text, self.batch.id + slot))
        return self.cut[1:]


@dataclass(slots=True, eq=False)
class Window:
    """Committed attempts of one batch. A flat item is one segment of one position."""

    id: int
    work: Work
    slots: list[int]
    tries: list[int]
    head: int  # ledger position at its commit: later ends withhold
    positions: list[int] = field(default_factory=list)  # of each flat item
    segments: list[int] = field(default_factory=list)
    open: int = 0  # flat items without an end
    next: int = 0  # the first flat item that is not handed to a link
    # Ends not stored yet: flat item, AttemptStatus, carrier's code, carrier's id.
    results: list[tuple[int, int, int, int]] = field(default_factory=list)
    link: str = ""
    # Long messages by position: None once their first part was handed out, else why withheld.
    begun: dict[int, int | None] = field(default_factory=dict)
    # Ends by flat item, where the batch has long messages.
    long: bool = False
    statuses: dict[int, int] = field(default_factory=dict)

    def lay_out(self) -> None:
        """List the segments to write: all, except those that the carrier has already."""
        counts = self.work.batch.segments
        self.long = bool((counts > 1).any())
        accepted = self.work.accepted
        for position, slot in enumerate(self.slots):
            had = accepted.get(slot)
            for number in range(int(counts[slot])):
                if had is None or number not in had:
                    self.positions.append(position)
                    self.segments.append(number)
        self.open = len(self.positions)

    def end(self, item: int, status: AttemptStatus, code: int = 0, carrier_id: int = 0) -> None:
        """Note how a segment ended, to be stored soon."""
        self.results.append((item, status, code, carrier_id))
        self.open -= 1
        if self.long:
            self.statuses[item] = status

    def count_at(self, item: int) -> int:
        """Return how many segments the message of an item has."""
        if not self.long:
            return 1
        return int(self.work.batch.segments[self.slots[self.positions[item]]])

    def ends_of(self, slot: int) -> list[int]:
        """Return the statuses of a long message's segments in this window."""
        position = self.slots.index(slot)
        return [
            status for item, status in self.statuses.items() if self.positions[item] == position
        ]
