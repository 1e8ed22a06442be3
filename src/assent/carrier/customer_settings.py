"""Where customers' software finds us, and how we behave there."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field

from assent.text import SevenBit
from assent.wire.cmpp_ids import BEIJING_MINUTES
from assent.wire.smpp_ids import IdForm
from assent.wire.smpp_receipts import ReceiptForm


@dataclass(frozen=True, slots=True)
class Door:
    """Where one dialect is served. `port` 0 takes a free one. `version`: the highest spoken, None
    for the dialect's highest. `gateway`: our code in message ids (CMPP: 22 bits; SGIP: our node
    number; SMGP: six digits as a number; SMPP: 0 to 15); two processes that serve one dialect need
    two. `tls`: speak TLS (SMPP)."""

    host: str = "127.0.0.1"
    port: int = 0
    version: int | None = None
    gateway: int = 1
    tls: ssl.SSLContext | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class CustomerSettings:
    """doors: by dialect. Times in seconds.

    heartbeat_s, response_s, tries: C, T and N of the specifications. bind_timeout_s: a peer that
    has not logged in by then is cut off. connections: most at once; unbound: most of one address
    that have not logged in. deliver_window: our unanswered reports and replies on a connection.
    most_waiting: submits that wait to be stored above which nothing is read. parcels: most of one
    link in memory; items: how many of theirs may wait before no more are loaded. retry_s: a pause
    after a refused report or reply, a failed load, a failed call to an SGIP customer. keep_s: how
    long they wait for a connection to come back before other processes may have them. end_s: how
    long a connection that we end has to agree.

    ids, receipts, seven_bit: SMPP's forms of message ids and receipts and what data_coding 0 means,
    both ways. system_id: what we call ourselves there. zone_minutes: of the times in ids, reports
    and replies, minutes east of UTC."""

    doors: dict[str, Door]
    heartbeat_s: float = 60.0
    response_s: float = 60.0
    tries: int = 3
    bind_timeout_s: float = 10.0
    connections: int = 1000
    unbound: int = 20
    deliver_window: int = 16
    most_waiting: int = 20_000
    parcels: int = 64
    items: int = 2000
    retry_s: float = 1.0
    keep_s: float = 10.0
    end_s: float = 5.0
    ids: IdForm = IdForm.DECIMAL
    receipts: ReceiptForm = ReceiptForm.BOTH
    seven_bit: SevenBit = SevenBit.GSM
    system_id: str = "assent"
    zone_minutes: int = BEIJING_MINUTES
