"""Links to a simulated messaging centre, and to servers that answer badly, on real sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from assent.carrier import mm7_listener
from assent.carrier.identity import CarrierSettings
from assent.carrier.link import LinkState
from assent.carrier.listener import ListenSettings
from assent.carrier.mm7_link import Mm7Link, Mm7Settings
from assent.carrier.mms_centre import MmsCentre
from assent.carrier.pool import Pool
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.clock import SystemClock
from assent.errors import InvalidInput
from assent.wire import mm7, mm7_codes, mms
from tests.carrier.conftest import Flow, until
from tests.flow.installation import free_port

USER, SECRET, ACCESS = "vasp", "888888", "10690000"
FRAMES = [mms.MmsFrame("text/plain", b"hello"), mms.MmsFrame("image/gif", b"GIF89a\x00")]
BUNDLE = mms.pack_bundle("news", FRAMES)


class MmsFlow(Flow):
    """A source and sink that gives posts."""

    link: Mm7Link

    def post(self, count: int = 1, person: int = 13_900_000_000) -> None:
        form = self.link.kit.form("", ACCESS)
        for number in range(person, person + count):
            body = form.body(b"%d" % number, BUNDLE, 8)
            self.queue.append((len(self.queue) + len(self.taken), body))
        self.link.kick()

    def over(self) -> bool:
        """Whether everything that was queued came to its end."""
        return bool(self.taken) and not self.queue and self.settled()

    def lost(self, link: Any, tokens: list[int]) -> None:
        self.losses += [(token, True) for token in tokens]

    def changed(self, link: Any, state: str, detail: str) -> None:
        self.states.append((link.name, state, detail))


class Rig:
    """Makes a centre and a link, and ends them."""

    def __init__(self, directory: Path) -> None:
        self.clock = SystemClock()
        self.path = directory / "records.jsonl"
        self.recorder = Recorder(self.path, self.clock)
        self.flow = MmsFlow()
        self.inbound = free_port()
        self.pools: list[Pool] = []
        self.centres: list[MmsCentre] = []
        self.servers: list[asyncio.Server] = []

    async def centre(self, script: dict[str, Any] | None = None, **more: Any) -> MmsCentre:
        settings = CarrierSettings(
            "mms", {USER: SECRET}, dialect="mm7", reports_to=f"127.0.0.1:{self.inbound}",
            call_again_s=0.05, **more,
        )  # fmt: skip
        made = MmsCentre(settings, script_from(script or {}), self.clock, 1, self.recorder)
        await made.start()
        self.centres.append(made)
        return made

    async def serve(self, answer: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> int:
        """Listen for posts that are read to their end and answered by hand; return the port."""

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            try:
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                    await reader.readexactly(length)
                    await answer(writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(talk, "127.0.0.1", 0)
        self.servers.append(server)
        port: int = server.sockets[0].getsockname()[1]
        return port

    async def link(self, port: int, *, bound: bool = True, **more: Any) -> Mm7Link:
        listen = ListenSettings("127.0.0.1", self.inbound, USER, SECRET)
        settings = Mm7Settings(
            "mms-0", "mms", f"http://127.0.0.1:{port}/mm7", USER, SECRET, vasp_id="1", vas_id="v",
            listen=listen, throttle_base_s=0.02, throttle_cap_s=0.1,
        )  # fmt: skip
        pool = Pool("mms", [replace(settings, **more)], self.flow, self.flow, self.clock, Random(7))
        (link,) = pool.links
        assert isinstance(link, Mm7Link)
        link._reconnect.base = link._reconnect.cap = 0.05
        self.flow.link = link
        pool.start()
        self.pools.append(pool)
        if bound:
            await until(lambda: pool.bound == 1)
            listener = link.listener
            await until(lambda: listener is None or listener.port)
        return link

    def records(self) -> list[dict[str, Any]]:
        self.recorder.flush()
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]

    async def close(self) -> None:
        for pool in self.pools:
            await pool.stop()
        for centre in self.centres:
            await centre.stop()
        for server in self.servers:
            server.close()
        self.recorder.close()


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    made = Rig(tmp_path)
    yield made
    await made.close()


def reply(status: str, body: bytes = b"", kind: str = "text/html") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


# --- posts


async def test_every_post_is_answered_within_the_window(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"latency": {"uniform": [0.0, 0.01]}}})
    link = await rig.link(centre.port, window=5)
    rig.flow.post(60)
    await until(lambda: len(rig.flow.answers) == 60)
    assert rig.flow.settled()
    assert rig.flow.results == {0: 60}
    assert max(rig.flow.asked) <= 5
    await until(lambda: len(rig.flow.delivers) == 60)
    reported = sorted(deliver.report().message_id for deliver in rig.flow.delivers)
    assert reported == sorted(message_id for _, _, message_id in rig.flow.answers)
    records = rig.records()
    posts = [record for record in records if record["command"] == "SubmitReq"]
    assert len({record["sequence"] for record in posts}) == 60  # transaction ids
    assert {record["command"] for record in records} == {
        "SubmitReq", "SubmitRsp", "DeliveryReportReq", "DeliveryReportRsp",
    }  # fmt: skip
    assert len({record["message_id"] for record in records if record["status"] == 1000}) >= 60
    assert link.health()["accepted"] == 60
    assert centre.status()["accepted"] == 60


async def test_a_paced_link_keeps_its_rate(rig: Rig) -> None:
    centre = await rig.centre()
    await rig.link(centre.port, rate=40.0, burst=1.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    rig.flow.post(21)
    await until(lambda: len(rig.flow.answers) == 21)
    assert loop.time() - began >= 0.45


async def test_where_nobody_listens_nothing_is_taken(rig: Rig) -> None:
    port = free_port()
    link = await rig.link(port, bound=False)
    await until(lambda: link.state is LinkState.DOWN)
    rig.flow.post(3)
    await asyncio.sleep(0.1)
    assert not rig.flow.taken
    await rig.centre(port=port)
    await until(lambda: len(rig.flow.answers) == 3)
    assert rig.flow.results == {0: 3}


async def test_a_centre_that_went_away_takes_nothing_along(rig: Rig) -> None:
    centre = await rig.centre()
    link = await rig.link(centre.port)
    await centre.stop()
    rig.flow.post(2)
    await until(lambda: len(rig.flow.answers) == 2)
    assert rig.flow.results == {mm7_codes.NOT_CONNECTED: 2}
    assert link.kit.codes.again >= {mm7_codes.NOT_CONNECTED}
    assert link.state is not LinkState.BOUND


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (reply("503 Busy"), mm7_codes.HTTP + 503),
        (reply("502 Bad Gateway", b"<html>"), mm7_codes.HTTP + 502),
        (reply("200 OK", b"thanks"), mm7_codes.HTTP + 200),
        (reply("302 Found"), mm7_codes.HTTP + 302),
        (reply("413 Too Large"), mm7_codes.HTTP + 413),
        (reply("200 OK", b"<a>" + b"x" * 400_000), mm7_codes.HTTP + 200),
        (
            reply("500 No", mm7.answer_envelope(mm7.Answered("RSErrorRsp", "", 2001)), "text/xml"),
            2001,
        ),
        (
            reply("200 OK", mm7.answer_envelope(mm7.Answered("SubmitRsp", "", 1000)), "text/xml"),
            0,
        ),
    ],
)
async def test_what_an_answer_says(rig: Rig, answer: bytes, code: int) -> None:
    async def talk(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)

    await rig.link(await rig.serve(talk))
    rig.flow.post()
    await until(rig.flow.over)
    assert rig.flow.results == {code: 1}


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf", b"!"])
async def test_an_answer_that_breaks_off_is_lost(rig: Rig, answer: bytes) -> None:
    posts = []

    async def talk(writer: asyncio.StreamWriter) -> None:
        posts.append(1)
        writer.write(answer)
        writer.close()

    await rig.link(await rig.serve(talk))
    rig.flow.post()
    await until(lambda: rig.flow.lost_tokens == [0])
    await asyncio.sleep(0.1)
    assert len(posts) == 1


async def test_a_wrong_secret_blames_the_link(rig: Rig) -> None:
    centre = await rig.centre()
    link = await rig.link(centre.port, secret="wrong")
    rig.flow.post()
    await until(rig.flow.over)
    (code,) = rig.flow.results
    assert code == mm7_codes.HTTP + 401
    assert code in link.kit.codes.elsewhere
    assert not centre.counters["submits"]


async def test_silence_is_lost_after_the_response_time(rig: Rig) -> None:
    centre = await rig.centre()
    centre.silence()
    link = await rig.link(centre.port, response_s=0.2, window=2)
    rig.flow.post(3)
    await until(lambda: len(rig.flow.lost_tokens) == 3)
    assert rig.flow.settled()
    assert link.counters.stalls == 3


async def test_a_busy_centre_is_given_a_pause(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"throttle_per_s": 1}})
    link = await rig.link(centre.port)
    rig.flow.post(5)
    await until(rig.flow.over)
    assert rig.flow.results[mm7_codes.UNAVAILABLE] >= 3
    assert link.counters.throttled == rig.flow.results[mm7_codes.UNAVAILABLE]


async def test_draining_waits_for_answers_and_stopping_does_not(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"latency": 0.2}})
    link = await rig.link(centre.port)
    rig.flow.post(3)
    await until(lambda: len(rig.flow.taken) == 3)
    assert await link.drain(5.0) is True
    assert rig.flow.results == {0: 3}
    assert link.state is LinkState.CLOSED


async def test_stopping_breaks_off_and_tells_the_losses(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"latency": 5.0}})
    await rig.link(centre.port)
    rig.flow.post(3)
    await until(lambda: centre.counters["submits"] == 3)
    await rig.pools[0].stop()
    assert sorted(rig.flow.lost_tokens) == [0, 1, 2]


async def test_a_source_that_fails_is_asked_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    centre = await rig.centre()
    link = await rig.link(centre.port)
    heard: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    take, calls = rig.flow.take, []

    def once(one: Any, credit: int) -> list[tuple[int, bytes]]:
        calls.append(credit)
        if len(calls) == 1:
            raise RuntimeError("broken")
        return take(one, credit)

    monkeypatch.setattr(rig.flow, "take", once)
    monkeypatch.setattr("assent.carrier.mm7_link.SOURCE_FAILED_S", 0.05)
    rig.flow.post()
    await until(rig.flow.over)
    await until(lambda: rig.flow.results == {0: 1})
    assert "source" in heard[0]["message"]
    assert link.state is LinkState.BOUND


# --- what the centre posts


async def post(rig: Rig, body: bytes, kind: str = mm7.XML_TYPE, **more: Any) -> httpx.Response:
    options: dict[str, Any] = {"auth": (USER, SECRET), "headers": {"content-type": kind}, **more}
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.post(f"http://127.0.0.1:{rig.inbound}/", content=body, **options)


REPORT = mm7.Reported("DeliveryReportReq", "t1", "m1", "13900000000", ACCESS, "Expired")


async def test_a_report_is_answered_once_it_is_durable(rig: Rig) -> None:
    await rig.link((await rig.centre()).port)
    rig.flow.acknowledges = False
    waiting = asyncio.create_task(post(rig, mm7.report_envelope(REPORT)))
    await until(lambda: rig.flow.delivers)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    rig.flow.link.acknowledge(rig.flow.delivers)
    answer = await waiting
    assert mm7.read(mm7.XML_TYPE, answer.content) == mm7.Answered(
        "DeliveryReportRsp", "t1", 1000, "Success"
    )
    assert rig.flow.delivers[0].report().stat == "EXPIRED"
    rig.flow.link.acknowledge(rig.flow.delivers)
    assert rig.flow.link.counters.late_acknowledgements == 1


async def test_what_cannot_be_stored_is_to_come_again(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    await rig.link((await rig.centre()).port)
    rig.flow.acknowledges = False
    monkeypatch.setattr(mm7_listener, "DURABLE_S", 0.05)
    answer = await post(rig, mm7.report_envelope(REPORT))
    assert answer.status_code == 503
    assert b"4006" in answer.content


async def test_strangers_and_nonsense_go_no_further(rig: Rig) -> None:
    link = await rig.link((await rig.centre()).port)
    body = mm7.report_envelope(REPORT)
    assert (await post(rig, body, auth=("vasp", "x"))).status_code == 401
    assert (await post(rig, body, auth=None)).status_code == 401
    assert (await post(rig, b"x" * 5_000_000)).status_code == 413
    answer = await post(rig, b"<!DOCTYPE a>")
    assert (answer.status_code, b"VASPErrorRsp" in answer.content) == (500, True)
    submit = mm7.submit_envelope(mm7.Submit("t", mm7.Provider("1"), "", ("2",)), "c")
    assert b"4003" in (await post(rig, submit)).content
    read = replace(REPORT, kind="ReadReplyReq")
    assert b"ReadReplyRsp" in (await post(rig, mm7.report_envelope(read))).content
    async with httpx.AsyncClient(trust_env=False, auth=(USER, SECRET)) as client:
        assert (await client.get(f"http://127.0.0.1:{rig.inbound}/")).status_code == 405
    assert not rig.flow.delivers
    assert link.listener is not None
    assert link.listener.refused == 2


async def test_other_addresses_are_turned_away(rig: Rig) -> None:
    allowed = (ip_network("192.0.2.0/24"),)
    listen = ListenSettings("127.0.0.1", rig.inbound, USER, SECRET, allowed)
    await rig.link((await rig.centre()).port, listen=listen)
    assert (await post(rig, mm7.report_envelope(REPORT))).status_code == 403
    assert not rig.flow.delivers


async def test_a_person_writes_and_the_centre_repeats_until_it_is_taken(rig: Rig) -> None:
    centre = await rig.centre()
    await rig.link(centre.port)
    rig.flow.acknowledges = False
    (linked,) = centre.send_mo("13900000001", ACCESS, "退订")
    await until(lambda: rig.flow.delivers)
    deliver = rig.flow.delivers[0]
    assert (deliver.is_report, deliver.source, deliver.destination) == (
        False, "13900000001", ACCESS,
    )  # fmt: skip
    assert deliver.content.decode("utf-16-be") == "退订"
    assert deliver.message_id == mm7.key_of(linked)
    rig.flow.acknowledges = True
    rig.flow.link.acknowledge([deliver])
    await until(lambda: centre.counters["mo_sent"] == 1)


async def test_the_address_may_be_in_use_for_a_while(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mm7_listener, "RETRY_S", 0.05)
    held = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", rig.inbound)
    link = await rig.link((await rig.centre()).port, bound=False)
    listener = link.listener
    assert listener is not None
    await until(lambda: listener.detail)
    held.close()
    await held.wait_closed()
    await until(lambda: listener.port == rig.inbound)


# --- the centre's script


async def test_the_script_is_acted_out(rig: Rig) -> None:
    replies = [{"texts": {"TD": 1.0}, "text": "hello", "delay": 0.01}]
    receipts = {"stats": {"EXPIRED": 1.0}, "duplicate": 1.0}
    refusals = [{"code": 2004, "numbers": "1$"}]
    centre = await rig.centre(
        {"receipts": receipts, "replies": replies, "answers": {"refusals": refusals}}
    )
    await rig.link(centre.port)
    rig.flow.post(2)
    await until(lambda: len(rig.flow.delivers) == 2)
    assert rig.flow.results == {0: 1, 2004: 1}
    assert {deliver.report().stat for deliver in rig.flow.delivers} == {"EXPIRED"}
    centre.change({"receipts": {"stats": {"DELIVRD": 1.0}, "duplicate": 0.0, "early": 1.0}})
    rig.flow.post(1, 13_900_000_007)
    await until(lambda: len(rig.flow.delivers) == 4)
    assert {"report", "mo"} <= set(rig.flow.order)
    assert rig.flow.order.index("mo") > rig.flow.order.index("answered")
    for bad in ({"faults": {"stall_after": 1}}, {"faults": {"half_open_after": 1}}):
        with pytest.raises(InvalidInput):
            centre.set_script(script_from(bad))
    with pytest.raises(InvalidInput):
        centre.stall(1.0)
    with pytest.raises(InvalidInput):
        centre.half_open()


async def test_the_centre_refuses_what_is_no_submit(rig: Rig) -> None:
    centre = await rig.centre()
    url = f"http://127.0.0.1:{centre.port}/"
    provider = mm7.Provider("1")
    bare = mm7.submit_envelope(mm7.Submit("t", provider, "", ("2",)), "c")
    cancel = mm7.cancel_envelope(mm7.Cancel("t", provider, "m"))
    async with httpx.AsyncClient(trust_env=False, auth=(USER, SECRET)) as client:
        for body, code in ((b"?", 2007), (bare, 2004), (cancel, 3001)):
            answer = await client.post(url, content=body, headers={"content-type": "text/xml"})
            told = mm7.read("text/xml", answer.content)
            assert isinstance(told, mm7.Answered)
            assert told.code == code


# --- steering


async def test_a_paused_link_posts_nothing_and_takes_reports(rig: Rig) -> None:
    centre = await rig.centre({"receipts": {"delay": 0.2}})
    link = await rig.link(centre.port, link="mms-0")
    rig.flow.post(1)
    await until(rig.flow.over)
    rig.pools[0].steer({"mms-0": "paused"})
    assert link.state is LinkState.PAUSED
    rig.flow.post(2)
    await until(lambda: bool(rig.flow.delivers))
    assert (len(rig.flow.queue), centre.counters["submits"]) == (2, 1)
    rig.pools[0].steer({})
    await until(rig.flow.over)
    assert rig.flow.results == {0: 3}
    assert [state for _, state, _ in rig.flow.states][-2:] == ["paused", "bound"]


async def test_a_drained_link_comes_back_and_counts_on(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"latency": 0.2}})
    await rig.link(centre.port, link="mms-0")
    (pool,) = rig.pools
    rig.flow.post(3)
    await until(lambda: len(rig.flow.taken) == 3)
    pool.steer({"mms-0": "drained"})
    await until(lambda: pool.links[0].state is LinkState.CLOSED)
    assert rig.flow.results == {0: 3}
    assert pool.links[0].detail == "drained by order"
    pool.steer({})
    await until(lambda: pool.bound == 1)
    (again,) = pool.links
    assert isinstance(again, Mm7Link)
    await until(lambda: again.listener is not None and bool(again.listener.port))
    rig.flow.link = again
    rig.flow.post(1)
    await until(rig.flow.over)
    assert again.health()["submitted"] == 4
    assert not rig.flow.losses


async def test_a_changed_link_is_exchanged_and_a_weighed_one_stays(rig: Rig) -> None:
    centre = await rig.centre({"answers": {"latency": 0.3}, "receipts": {"delay": 0.1}})
    old = await rig.link(centre.port, link="mms-0")
    (pool,) = rig.pools
    pool.change([replace(old.settings, weight=5, zone_minutes=0)])
    assert (pool.links, old.settings.weight) == ([old], 5)
    rig.flow.post(3)
    await until(lambda: len(rig.flow.taken) == 3)
    pool.change([replace(old.settings, vas_id="other")])
    (new,) = pool.links
    assert new is not old
    assert isinstance(new, Mm7Link)
    await until(lambda: old.state is LinkState.CLOSED)
    await until(lambda: new.listener is not None and bool(new.listener.port))
    assert (rig.flow.results, old.detail) == ({0: 3}, "changed in the settings")
    rig.flow.link = new
    rig.flow.post(1)
    # A report that was not answered before the old listener closed comes again.
    await until(lambda: rig.flow.over() and len({one.message_id for one in rig.flow.delivers}) == 4)
    assert not rig.flow.losses
    assert new.health()["submitted"] == 4


async def test_a_standby_link_posts_while_the_other_cannot(rig: Rig) -> None:
    centre = await rig.centre()
    first = await rig.link(centre.port, link="mms-0")
    (pool,) = rig.pools
    spare = replace(first.settings, name="mms-1", link="mms-1", standby=True, listen=None)
    pool.change([first.settings, spare])
    await until(lambda: [link.state.value for link in pool.links] == ["bound", "standby"])
    pool.steer({"mms-0": "paused"})
    await until(lambda: pool.links[1].state is LinkState.BOUND)
    rig.flow.queue.clear()
    rig.flow.post(2)
    pool.kick()
    await until(rig.flow.over)
    assert [link.counters.submitted for link in pool.links] == [0, 2]
