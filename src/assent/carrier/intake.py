"""What a simulated carrier does with submits: judge, answer, report, reply, break.

The path without chance is kept apart and lean; everything else goes by `behaviour.py`. What is not
due at once goes through one timeline.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import repeat
from random import Random
from typing import Final

from assent.carrier.behaviour import Behaviour, Outcome
from assent.carrier.mailbox import Account, Item, Mobile, Receipt
from assent.carrier.script import Script
from assent.carrier.server import ServerConnection
from assent.carrier.speech import DELIVERED, Speech
from assent.carrier.stamps import Stamps
from assent.carrier.timeline import Timeline
from assent.clock import Clock
from assent.text import Coding, LongText, Writing
from assent.wire import cmpp_tables as tables
from assent.wire.cmpp_ids import BEIJING_MINUTES
from assent.wire.pdus import SubmitPdu

PLACES: Final = {
    major: (
        tables.HEADER + layouts[tables.SUBMIT].offset("src_id"),
        tables.HEADER + layouts[tables.SUBMIT].offset("destinations"),
        width,
    )
    for (major, layouts), width in zip(tables.LAYOUTS.items(), (21, 32), strict=True)
}
"""In a SUBMIT of each major version: where access number and first person stand, and the
person's width. The octet before the first person counts them."""

Due = tuple[ServerConnection | None, Account, "Item | tuple[SubmitPdu, int, int]"]
"""What the timeline brings: an item to deliver, or an answer (submit, message id, result)."""


class Intake:
    """The judgement of one carrier. Connections hand it submits; it fills their queues."""

    def __init__(self, clock: Clock, rng: Random, speech: Speech) -> None:
        self.clock = clock
        self.speech = speech
        self.counters: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.silent = False
        self._smsc = rng.randrange(1, 1 << 30)
        self._reference = rng.randrange(256)
        self._stamps = Stamps(BEIJING_MINUTES)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the loop whose timers are to be used."""
        self.loop = loop
        self.timeline: Timeline[Due] = Timeline(loop, self._due)

    def act(self, script: Script, seed: str) -> None:
        """Act by this script from now on. Counts of faults and of replies begin anew."""
        self.script = script
        self.behaviour = Behaviour(script, seed, self.speech)
        self._plain = (
            self.speech.lean
            and self.behaviour.sure_stat is not None
            and not self.behaviour.anyone_answers
            and script.answers.latency == 0.0
            and script.receipts.on == "same"
        )
        faults = script.faults
        self.silent = False
        self._seen = 0
        self._silent_after = faults.silent_after
        self._once: dict[str, int] = {
            name: after
            for name, after in (
                ("stall", faults.stall_after),
                ("half_open", faults.half_open_after),
                ("cut", faults.cut_after),
            )
            if after is not None
        }

    def submitted(
        self, connection: ServerConnection, account: Account, submits: list[SubmitPdu]
    ) -> None:
        """Judge what arrived; fill the connection's queues or the timeline. The caller flushes."""
        count = len(submits)
        self.counters["submits"] += count
        now_s = self.clock.now()
        results = self.behaviour.results(submits, account, now_s)
        answered = count
        if self._silent_after is not None or self._once or self.silent:
            answered = self._faults(connection, count)
        taken = count if self.script.faults.taken else answered
        plain = self._plain and answered == count and not any(results)
        if plain and self._take_plain(connection, account, submits, now_s):
            return
        fixed = self.script.answers.latency == 0.0
        now = self.loop.time()  # one for an answer and its report, which else might overtake it
        for place, submit in enumerate(submits[:taken]):
            result = results[place] or self.speech.objection(submit)
            latency = 0.0 if fixed else self.behaviour.latency()
            ids = [0]
            if result:
                self.refused[result] += 1
            else:
                self.counters["accepted"] += 1
                persons = submit.destinations
                ids = self.speech.message_ids(submit, len(persons), now_s)
                for person, message_id in zip(persons, ids, strict=True):
                    self._follow_up(connection, account, submit, person, message_id, now, latency)
            if place >= answered:
                continue
            answer = (submit, ids[0], result)
            if latency:
                # Its receipts may be due in the same call; a flush writes answers first.
                self.timeline.add(now + latency, (connection, account, answer))
            else:
                connection.answers.append(answer)

    def _take_plain(
        self,
        connection: ServerConnection,
        account: Account,
        submits: list[SubmitPdu],
        now_s: float,
    ) -> bool:
        """Do what `submitted` does where the script leaves nothing to chance: the far end of a
        load test. Addresses stay the octets that came. False when there are group sends."""
        person_at = PLACES[connection.version >> 4][1]
        if {submit.raw[person_at - 1] for submit in submits} != {1}:
            return False
        count = len(submits)
        self.counters["accepted"] += count
        ids = self.speech.take(count, now_s)
        connection.answers.extend(zip(submits, ids, repeat(0)))
        registered = [
            (submit, message_id)
            for submit, message_id in zip(submits, ids, strict=True)
            if submit.registered
        ]
        if not registered:
            return True
        delays = self.behaviour.delays(len(registered))
        receipts = self._plain_receipts(connection.version, registered, delays, now_s)
        if not self.script.receipts.delay:
            account.post(receipts, connection)
            return True
        now = self.loop.time()
        add = self.timeline.add
        for receipt, delay in zip(receipts, delays, strict=True):
            add(now + delay, (connection, account, receipt))
        return True

    def _plain_receipts(
        self,
        version: int,
        registered: list[tuple[SubmitPdu, int]],
        delays: list[float],
        now_s: float,
    ) -> list[Receipt]:
        """Return the reports on messages that all fare alike, but for their delays."""
        access_at, person_at, width = PLACES[version >> 4]
        stat, short, smsc = (
            self.behaviour.sure_stat,
            self.script.receipts.form == "short",
            self._smsc,
        )
        stamp = self._minute_stamp(now_s)
        self._smsc += len(registered)
        deliver_ids = self.speech.take(len(registered), now_s)
        return [
            Receipt(
                deliver_id,
                submit.raw[access_at : access_at + 21],
                submit.raw[person_at : person_at + width],
                message_id,
                stat or b"",
                stamp,
                self._minute_stamp(now_s + delay),
                (smsc + place) & 0xFFFFFFFF,
                short,
            )
            for place, ((submit, message_id), deliver_id, delay) in enumerate(
                zip(registered, deliver_ids, delays, strict=True)
            )
        ]

    def _faults(self, connection: ServerConnection, count: int) -> int:
        """Let break what the script says; return how many of `count` submits are answered."""
        before, self._seen = self._seen, self._seen + count
        answering = count
        for name, after in list(self._once.items()):
            if self._seen >= after:
                del self._once[name]
                if name == "stall":
                    connection.stall(self.script.faults.stall_s)
                elif name == "half_open":
                    connection.deaf = True
                    answering = 0
                else:
                    connection.cut_next = True
        if self.silent:
            return 0
        if self._silent_after is None:
            return answering
        return max(0, min(answering, self._silent_after - before))

    def _follow_up(
        self,
        connection: ServerConnection,
        account: Account,
        submit: SubmitPdu,
        person: str,
        message_id: int,
        now: float,
        latency: float,
    ) -> None:
        """Plan the report on one accepted message and the replies to it."""
        outcome = self.behaviour.outcome(person)
        when = now + latency
        if outcome.copies and self.speech.wants(submit, outcome.stat):
            same = self.script.receipts.on == "same" and connection.delivers
            on = connection if same else account.any_connection()
            receipt = self._receipt(submit, person, message_id, outcome, latency)
            for _ in range(outcome.copies):
                if outcome.early:
                    self._early(connection, account, receipt)
                elif latency or outcome.delay or on is not connection:
                    self.timeline.add(when + outcome.delay, (on, account, receipt))
                else:
                    account.post((receipt,), on)
        if self.behaviour.anyone_answers:
            delivered = outcome.stat == DELIVERED
            for reply in self.behaviour.replies(submit, person, delivered):
                for item in self.mobile(reply.person, reply.access, reply.text):
                    self.timeline.add(when + reply.delay, (connection, account, item))

    def _receipt(
        self, submit: SubmitPdu, person: str, message_id: int, outcome: Outcome, latency: float
    ) -> Receipt:
        now_s = self.clock.now()
        self._smsc += 1
        return Receipt(
            self.speech.take(1, now_s)[0],
            submit.src_id.encode("latin-1"),
            person.encode("latin-1"),
            message_id,
            outcome.stat,
            self._minute_stamp(now_s),
            self._minute_stamp(now_s + latency + outcome.delay),
            self._smsc & 0xFFFFFFFF,
            self.script.receipts.form == "short",
            self.speech.quote(submit),
        )

    def _early(self, connection: ServerConnection, account: Account, receipt: Receipt) -> None:
        """Let a report leave before its answer, which the caller's flush will write."""
        if connection.delivers:
            connection.early.append(receipt)
            return
        other = account.any_connection()
        account.post((receipt,), other)
        if other is not None:
            other.flush()

    def mobile(self, person: str, access: str, text: str) -> list[Item]:
        """Return the segments of a person's text."""
        speech, now_s = self.speech, self.clock.now()
        self._reference += 1
        way = LongText(speech.settings.reply_parts)
        writing = Writing(Coding.GSM7, way, speech.seven_bit)
        alphabet, parts = writing.parts(text, self._reference)
        udhi = int(len(parts) > 1)
        ids = speech.take(len(parts), now_s)
        written = self._minute_stamp(now_s)
        self.counters["mo_made"] += len(parts)
        return [
            Mobile(identity, access, person, part, int(alphabet), udhi, written)
            for identity, part in zip(ids, parts, strict=True)
        ]

    def _due(self, due: list[Due]) -> None:
        touched: dict[ServerConnection, None] = {}
        for connection, account, what in due:
            if isinstance(what, (Receipt, Mobile)):
                if connection is None or connection not in account.receivers:
                    connection = account.any_connection()
                account.post((what,), connection)
            elif connection is not None:
                connection.answers.append(what)
            if connection is not None:
                touched[connection] = None
        # Where reports go out on another connection, they do so after their answers.
        for connection in sorted(touched, key=lambda one: not one.answers):
            connection.flush()

    def _minute_stamp(self, now_s: float) -> bytes:
        """Return YYMMDDHHMM in Beijing."""
        return self._stamps.minute(now_s).encode()
