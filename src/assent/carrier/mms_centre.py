"""A multimedia messaging centre to rehearse against: a real HTTP server that speaks MM7 and acts
out a script (script.py), like the simulated gateways.

It reads every post for itself and records what arrived: the parts of a content with the SHA-256 of
each, so that anyone can tell whether a frame came as it was reviewed. Reports and people's messages
it posts to the platform, again and again until they are answered.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any, Final, cast

import httpx

from assent.carrier.behaviour import Behaviour, Outcome
from assent.carrier.http_server import Guard, HttpLimits, Post, PostServer, Reply
from assent.carrier.identity import CarrierSettings, address_of
from assent.carrier.mailbox import Account
from assent.carrier.mms_records import record_of
from assent.carrier.script import Script, changed
from assent.errors import InvalidInput, ProtocolError
from assent.wire import mime, mm7, mm7_codes

if TYPE_CHECKING:
    from assent.carrier.records import Recorder
    from assent.carrier.speech import Speech
    from assent.clock import Clock
    from assent.wire.pdus import SubmitPdu

_CONTENT_OCTETS: Final = 8 << 20
_DELIVERED: Final = b"DELIVRD"
_POST_S: Final = 30.0


class _Submit:
    """A submit as `Behaviour` looks at it."""

    def __init__(self, submit: mm7.Submit) -> None:
        self.src_id = submit.sender
        self.destinations = list(submit.recipients)
        self.text = mm7.Delivered("", "", "", (), "", submit.parts).text


class _Speech:
    """What `Behaviour` asks a dialect for."""

    flow_control = mm7_codes.UNAVAILABLE

    @staticmethod
    def is_part(submit: _Submit) -> bool:
        """Whether it is a segment: never."""
        return False

    @staticmethod
    def read(submit: _Submit) -> tuple[str, None]:
        """What its text frames say."""
        return submit.text, None


class MmsCentre:
    """One simulated centre. `await start()`, then change it at will, then `await stop()`."""

    def __init__(
        self,
        settings: CarrierSettings,
        script: Script,
        clock: Clock,
        seed: int,
        recorder: Recorder | None = None,
    ) -> None:
        """`seed` decides every number drawn. The recorder is the caller's to close."""
        self.settings = settings
        self.clock = clock
        self.recorder = recorder
        self.counters: Counter[str] = Counter()
        self.refused: Counter[int] = Counter()
        self.silent = False
        self._seed = f"{seed}:{settings.name}"
        rng = Random(f"{self._seed}:identity")
        self._prefix = f"{rng.getrandbits(32):08x}"
        user, secret = next(iter(settings.accounts.items()))
        self._account = Account(user, secret, rng)
        self._auth = (user, secret)
        self._tasks: set[asyncio.Task[None]] = set()
        limits = HttpLimits(body=_CONTENT_OCTETS, connections=256)
        self._server = PostServer(self._take, Guard(user, secret), limits)
        self._client: httpx.AsyncClient | None = None
        self.set_script(script)

    # --- life

    async def start(self) -> int:
        """Listen, and return the port."""
        self._client = httpx.AsyncClient(auth=self._auth, trust_env=False, timeout=_POST_S)
        return await self._server.start(self.settings.host, self.settings.port)

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._server.port

    async def stop(self) -> None:
        """Close everything at once; what waited to be delivered is gone."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.stop()
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    # --- the script, and what can be done by hand

    def set_script(self, script: Script) -> None:
        """Act by another script from now on. Raises InvalidInput for a fault that posts cannot
        have; then nothing has changed."""
        faults = script.faults
        for name in ("stall_after", "half_open_after"):
            if getattr(faults, name) is not None:
                raise InvalidInput("bad_script", f"mm7 has no {name}", field=f"faults.{name}")
        self.script = script
        speech = cast("Speech", _Speech())
        self._behaviour = Behaviour(script, self._seed, speech)
        self.silent = False
        self._seen = 0
        self._cut_left = faults.cut_after

    def change(self, change: Mapping[str, Any]) -> None:
        """Change some of the script; raises InvalidInput."""
        self.set_script(changed(self.script, dict(change)))

    def silence(self, on: bool = True) -> None:
        """Answer no posts (or answer again). Those of the silence are never answered."""
        self.silent = on

    def cut(self) -> None:
        """Let the next answer end in its middle."""
        self._cut_left = self._seen + 1

    def disconnect(self) -> None:
        """Close every connection without a word."""
        self._spawn(self._server.disconnect())

    def stall(self, seconds: float) -> None:
        """Not for posts."""
        raise InvalidInput("bad_command", "mm7 has no stall", field="do")

    def half_open(self) -> None:
        """Not for posts."""
        raise InvalidInput("bad_command", "mm7 has no half_open", field="do")

    def send_mo(
        self, source: str, destination: str, text: str, account: str | None = None
    ) -> list[str]:
        """A person writes to an access number now; return the message's id."""
        linked = self._new_id()
        part = mime.Part({"content-type": 'text/plain; charset="utf-8"'}, text.encode("utf-8"))
        message = mm7.Delivered(f"mo-{linked}", linked, source, (destination,), "", (part,))
        self.counters["mo_made"] += 1
        self._spawn(self._deliver(message))
        return [linked]

    def status(self) -> dict[str, Any]:
        """Return the counters and what is under way, as plain values."""
        names = ("submits", "accepted", "receipts_sent", "mo_made", "mo_sent", "calls_failed")
        return {
            "name": self.settings.name,
            "dialect": "mm7",
            "port": self.port,
            "connections": self._server.connections,
            **{name: self.counters[name] for name in names},
            "refused": {str(code): count for code, count in sorted(self.refused.items())},
            "later": len(self._tasks),
        }

    # --- posts

    async def _take(self, post: Post) -> Reply | None:
        content_type = post.headers.get("content-type", "")
        try:
            message = mm7.read(content_type, post.body)
        except ProtocolError as error:
            return self._error("", mm7_codes.FORMAT_CORRUPT, error.message)
        self._record("in", message, content_type, post.body)
        if isinstance(message, mm7.Cancel):
            return self._answer(mm7.Answered("CancelRsp", message.transaction, 3001))
        if not isinstance(message, mm7.Submit):
            return self._error(message.transaction, mm7_codes.UNSUPPORTED_OPERATION)
        return await self._submitted(message)

    async def _submitted(self, submit: mm7.Submit) -> Reply | None:
        self.counters["submits"] += 1
        self._seen += 1
        after = self.script.faults.silent_after
        silent = self.silent or (after is not None and self._seen > after)
        code = self._judge(submit)
        message_id = "" if code else self._new_id()
        taken = not code and (not silent or self.script.faults.taken)
        answer = mm7.Answered("SubmitRsp", submit.transaction, code or 1000, "", message_id)
        if code:
            self.refused[code] += 1
        latency = self._behaviour.latency()
        if taken:
            self.counters["accepted"] += 1
            await self._follow_up(submit, message_id, latency)
        if silent:
            await asyncio.Event().wait()  # until the peer has had enough
        if latency:
            await asyncio.sleep(latency)
        cut = self._cut_left is not None and self._seen >= self._cut_left
        if cut:
            self._cut_left = None
        return self._answer(answer, cut=cut)

    def _judge(self, submit: mm7.Submit) -> int:
        """Return the code of a refusal, 0 where the message is taken."""
        if not submit.parts:
            return 2004
        if len(submit.recipients) != 1:
            return 3003 if submit.recipients else 2002
        submits = [cast("SubmitPdu", _Submit(submit))]
        return self._behaviour.results(submits, self._account, self.clock.now())[0]

    def _answer(self, answer: mm7.Answered, *, cut: bool = False) -> Reply:
        document = mm7.answer_envelope(answer)
        self._record("out", answer, mm7.XML_TYPE, document)
        return Reply(200, document, mm7.XML_TYPE, cut)

    def _error(self, transaction: str, code: int, text: str = "") -> Reply:
        answer = mm7.Answered("RSErrorRsp", transaction, code, text)
        document = mm7.answer_envelope(answer)
        self._record("out", answer, mm7.XML_TYPE, document)
        return Reply(500, document, mm7.XML_TYPE)

    # --- what follows

    async def _follow_up(self, submit: mm7.Submit, message_id: str, latency: float) -> None:
        """Plan the report on a message and the replies to it; an early report goes first."""
        person = submit.recipients[0]
        outcome = self._behaviour.outcome(person)
        if submit.report:
            report = self._report(submit, message_id, outcome)
            for _ in range(outcome.copies):
                if outcome.early:
                    await self._post(report, mm7.report_envelope(report))
                else:
                    self._spawn(self._later(latency + outcome.delay, report))
        if self._behaviour.anyone_answers:
            asked = cast("SubmitPdu", _Submit(submit))
            delivered = outcome.stat == _DELIVERED
            for reply in self._behaviour.replies(asked, person, delivered):
                self._spawn(self._reply(latency + reply.delay, reply.person, reply))

    def _report(self, submit: mm7.Submit, message_id: str, outcome: Outcome) -> mm7.Reported:
        status = mm7_codes.STATUS_OF.get(outcome.stat.decode(), "Indeterminate")
        transaction = f"dr-{message_id}"
        kind, person = "DeliveryReportReq", submit.recipients[0]
        return mm7.Reported(kind, transaction, message_id, person, submit.sender, status)

    async def _later(self, delay: float, report: mm7.Reported) -> None:
        await asyncio.sleep(delay)
        await self._post(report, mm7.report_envelope(report))

    async def _reply(self, delay: float, person: str, reply: Any) -> None:
        await asyncio.sleep(delay)
        self.send_mo(person, reply.access, reply.text)

    async def _deliver(self, message: mm7.Delivered) -> None:
        document = mm7.deliver_envelope(message, "mo@centre")
        text = 'Content-Type: text/plain; charset="utf-8"\r\nContent-ID: <mo@centre>\r\n\r\n'
        entity = text.encode("ascii") + message.parts[0].body
        body = mm7.with_content(document, entity, f"{self._prefix}-{message.linked_id}")
        await self._post(message, body)

    async def _post(self, message: mm7.Reported | mm7.Delivered, body: bytes) -> None:
        """Post to the platform until it has it."""
        counted = "receipts_sent" if isinstance(message, mm7.Reported) else "mo_sent"
        while self.settings.reports_to is not None and self._client is not None:
            host, port = address_of(self.settings.reports_to)
            self._record("out", message, mm7.content_type_of(body), body)
            try:
                headers = {"content-type": mm7.content_type_of(body), "soapaction": '""'}
                answer = await self._client.post(
                    f"http://{host}:{port}/", content=body, headers=headers
                )
                told = mm7.read(answer.headers.get("content-type", ""), answer.content)
                self._record("in", told, mm7.XML_TYPE, answer.content)
                if isinstance(told, mm7.Answered) and told.code == mm7_codes.SUCCESS:
                    self.counters[counted] += 1
                    return
            except (httpx.HTTPError, ProtocolError):
                pass
            self.counters["calls_failed"] += 1
            await asyncio.sleep(self.settings.call_again_s)

    def _new_id(self) -> str:
        self.counters["ids"] += 1
        return f"{self._prefix}-{self.counters['ids']:08}"

    def _spawn(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _record(self, direction: str, message: mm7.Message, kind: str, body: bytes) -> None:
        if self.recorder is not None:
            now, carrier = self.recorder.clock.now_ns(), self.settings.name
            document = mm7.parts_of(kind, body)[0]
            self.recorder.add(record_of(now, carrier, direction, message, document))
