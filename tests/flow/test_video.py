"""The road of a video message: handed in, reviewed frame by frame, sent, delivered, refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from assent.carrier.script import script_from
from assent.cli import app
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.requests import CampaignRequest, FrameReview
from assent.numbers import parse
from assent.policy.filing import Relation
from tests.flow.conftest import number
from tests.flow.video_platform import (
    CENTRE,
    FRAMES,
    PORT,
    PRICE,
    TEXT,
    VideoPlatform,
    digests,
    video_running,
)


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[VideoPlatform]:
    async with video_running(migrated_url, tmp_path) as one:
        yield one


def people(count: int, start: int = 0) -> list[str]:
    return [number("mobile", start + i) for i in range(count)]


async def test_an_approved_video_is_delivered_octet_for_octet(platform: VideoPlatform) -> None:
    some = people(12)
    await platform.agree(some)
    video = await platform.approved()
    answer = await platform.send_video(some, video)
    assert (answer["allowed"], answer["cost_micro"], answer["segments"]) == (12, 12 * PRICE, 12)

    async def delivered() -> bool:
        return await platform.states(answer) == {"delivered": 12}

    await platform.until(delivered, "every message is delivered")
    posts = platform.posts()
    assert sorted(post["destination"] for post in posts) == sorted(some)
    for post in posts:
        assert (post["source"], post["subject"]) == (PORT, "夏装上新")
        smil, *parts = post["parts"]
        assert smil["type"] == "application/smil"
        assert [part["sha256"] for part in parts] == digests(FRAMES)
        assert [part["octets"] for part in parts] == [len(data) for _, data in FRAMES]
    charged = "SELECT sum(amount) FROM posting WHERE kind = 'revenue'"
    assert await platform.value(charged) == 12 * PRICE
    assert await platform.value("SELECT count(*) FROM blob") == len(FRAMES)
    message = await platform.node.status.message(
        platform.caller(), int(answer["messages"][0]["id"])
    )
    assert (message["state"], message["video"]) == ("delivered", video)


async def test_the_command_line_ends_delivered(platform: VideoPlatform, tmp_path: Path) -> None:
    """`assent send --video DIR --to N`: refused until reviewed, then delivered."""
    # long: one story
    to = people(1)[0]
    await platform.agree([to])
    directory = tmp_path / "clip"
    directory.mkdir()
    for name, data in FRAMES:
        (directory / name).write_bytes(data)
    customer = await platform.key(["send", "read"])
    operator = await platform.key(["review"], "operator")
    async with platform.api() as url:

        async def run(key: str, *words: str, code: int = 0) -> dict[str, Any]:
            runner = CliRunner(env={"ASSENT_URL": url, "ASSENT_KEY": key})
            done = await asyncio.to_thread(runner.invoke, app, [*words, "--json"])
            assert done.exit_code == code, done.output
            told: dict[str, Any] = json.loads(done.stdout)
            return told

        send = (
            *("send", "--sender", "CODE1", "--purpose", "marketing", "--video", str(directory)),
            *("--subject", "夏装上新", "--to", to),
        )
        refused = await run(customer, *send, code=6)
        assert refused["reasons"] == {"content_not_reviewed": 1}
        assert not platform.posts()
        (video,) = (await run(operator, "video", "waiting"))["items"]
        for place, (_, data) in enumerate(FRAMES, start=1):
            out = tmp_path / f"seen-{place}"
            await run(operator, "video", "frame", video["id"], str(place), "--out", str(out))
            assert out.read_bytes() == data
        places = [word for place in range(1, 5) for word in ("--frame", str(place))]
        told = await run(operator, "video", "approve", video["id"], *places, "--by", "李雷")
        assert told["state"] == "approved"
        assert [frame["reviewer"] for frame in told["frames"]] == ["李雷"] * 4
        answer = await run(customer, *send)
        assert answer["allowed"] == 1

        async def delivered() -> bool:
            message = await run(customer, "status", "message", answer["messages"][0]["id"])
            return bool(message["state"] == "delivered")

        await platform.until(delivered, "it is delivered")
    (post,) = platform.posts()
    assert [part["sha256"] for part in post["parts"][1:]] == digests(FRAMES)


async def test_consent_to_texts_is_none_to_videos(platform: VideoPlatform) -> None:
    texts, videos = people(3), people(3, 100)
    await platform.agree(texts, "offers")
    await platform.agree(videos, "clips")
    video = await platform.approved()
    answer = await platform.send_video([*texts, *videos], video)
    assert answer["reasons"] == {"no_standing": 3}
    assert [one["status"] for one in answer["messages"]] == ["rejected"] * 3 + ["accepted"] * 3
    answer = await platform.send([*texts, *videos])
    assert [one["status"] for one in answer["messages"]] == ["accepted"] * 3 + ["rejected"] * 3
    with pytest.raises(InvalidInput) as caught:
        await platform.send_video(texts, video, programme="offers")
    assert caught.value.code == "programme_channel"
    with pytest.raises(InvalidInput) as caught:
        await platform.send(texts, programme="clips")
    assert caught.value.code == "programme_channel"


@pytest.mark.parametrize("by_video", [True, False])
async def test_a_refusal_ends_both_channels(platform: VideoPlatform, by_video: bool) -> None:
    (person,) = people(1)
    await platform.agree([person], "offers")
    await platform.agree([person], "clips")
    video = await platform.approved()
    await platform.send_video([person], video)
    await platform.until(lambda: len(platform.posts()) == 1, "the video arrives")
    if by_video:
        platform.centre.send_mo(person, PORT, "TD")
    else:
        platform.simulators["mobile"].send_mo(person, "106900011", "TD")
    await platform.until(lambda: len(platform.submits("1069999")) == 1, "the confirmation")
    for answer in (await platform.send_video([person], video), await platform.send([person])):
        assert answer["reasons"] == {"no_standing": 1}
    await asyncio.sleep(0.3)
    assert len(platform.posts()) == 1
    assert len(platform.submits("1069999")) == 1


async def test_a_refusal_stops_what_is_queued(platform: VideoPlatform) -> None:
    (person,) = people(1)
    await platform.agree([person])
    video = await platform.approved()
    platform.centre.silence()
    crowd = people(8, 50)
    await platform.agree(crowd)
    await platform.send_video(crowd, video)  # fills the window of 4, then waits
    await platform.until(lambda: len(platform.posts()) == 4, "the window is full")
    assert (await platform.send_video([person], video))["allowed"] == 1
    platform.centre.send_mo(person, PORT, "TD")

    async def refused() -> bool:
        return bool(await platform.value("SELECT count(*) FROM refusal") == 1)

    await platform.until(refused, "the refusal is written")
    platform.centre.silence(False)
    platform.centre.disconnect()
    await platform.until(lambda: len(platform.posts()) == 8, "the others arrive")
    await platform.until(lambda: len(platform.submits("1069999")) == 1, "the confirmation")
    await asyncio.sleep(0.3)
    assert person not in {post["destination"] for post in platform.posts()}


async def test_what_nobody_reviewed_does_not_leave(platform: VideoPlatform) -> None:
    (person,) = people(1)
    await platform.agree([person])
    video = await platform.upload()
    for places in ((), (1, 2, 3)):
        if places:
            await platform.review(video, "approve", *places)
        answer = await platform.send_video([person], video["id"])
        assert answer["reasons"] == {"content_not_reviewed": 1}
    told = await platform.review(video, "reject", 4, reason="画面不符")
    assert (told["state"], told["frames"][3]["reason"]) == ("rejected", "画面不符")
    answer = await platform.send_video([person], video["id"])
    assert answer["reasons"] == {"content_refused": 1}
    with pytest.raises(Conflict):
        await platform.review(video, "approve", 4)
    assert not platform.posts()


async def test_an_approval_taken_back_stops_what_is_queued(platform: VideoPlatform) -> None:
    some = people(3)
    await platform.agree(some)
    video = await platform.upload()
    await platform.review(video)
    later = platform.clock.now() + 2
    answer = await platform.send_video(
        some, video["id"], not_before=datetime.fromtimestamp(later, UTC)
    )
    assert answer["allowed"] == 3
    told = await platform.review(video, "reject", 2, reason="投诉")
    assert told["state"] == "withdrawn"

    async def expired() -> bool:
        return await platform.states(answer) == {"expired": 3}

    await platform.until(expired, "its time has come")
    assert not platform.posts()


async def test_an_approval_taken_back_stops_what_is_committed(platform: VideoPlatform) -> None:
    some = people(9)
    await platform.agree(some)
    video = await platform.upload()
    await platform.review(video)
    platform.centre.silence()
    answer = await platform.send_video(some, video["id"])
    await platform.until(lambda: len(platform.posts()) == 4, "the window is full")
    await platform.review(video, "reject", 1, reason="投诉")
    leases = platform.node.dispatcher.leases
    works = {*leases.all(), *platform.node.traffic.works()}
    await platform.until(lambda: all(work.expires == 0 for work in works), "it is known")
    platform.centre.silence(False)
    platform.centre.disconnect()

    async def settled() -> bool:
        return await platform.states(answer) == {"unsure": 4, "expired": 5}

    await platform.until(settled, "what was not posted has expired")
    assert len(platform.posts()) == 4
    released = "SELECT sum(segments)::int FROM posting WHERE kind = 'release'"
    assert await platform.value(released) == 5


async def test_a_lost_answer_is_unsure_and_not_sent_again(
    migrated_url: str, tmp_path: Path
) -> None:
    script = {"faults": {"silent_after": 0, "taken": False}}
    async with video_running(migrated_url, tmp_path, script, response_s=0.5) as platform:
        some = people(3)
        await platform.agree(some)
        answer = await platform.send_video(some, await platform.approved())

        async def unsure() -> bool:
            return await platform.states(answer) == {"unsure": 3}

        await platform.until(unsure, "all are unsure")
        platform.centre.set_script(script_from({}))
        await asyncio.sleep(1.0)
        assert len(platform.posts()) == 3


async def test_a_cut_answer_is_unsure_and_a_late_report_settles_it(
    migrated_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assent.flow.settle.PATIENT_S", 0.2)
    script = {"faults": {"cut_after": 1}, "receipts": {"delay": 0.3}}
    async with video_running(migrated_url, tmp_path, script) as platform:
        (person,) = people(1)
        await platform.agree([person])
        answer = await platform.send_video([person], await platform.approved())

        async def unsure() -> bool:
            return await platform.states(answer) == {"unsure": 1}

        async def delivered() -> bool:
            return await platform.states(answer) == {"delivered": 1}

        await platform.until(unsure, "it is unsure")
        await platform.until(delivered, "its report settles it")
        assert len(platform.posts()) == 1


async def test_refusals_and_pauses_of_the_centre(migrated_url: str, tmp_path: Path) -> None:
    refusals = [{"code": 2003, "numbers": "0$"}, {"code": 4006, "numbers": "1$", "share": 0.7}]
    script = {"answers": {"refusals": refusals}}
    async with video_running(migrated_url, tmp_path, script) as platform:
        some = people(2)
        await platform.agree(some)
        answer = await platform.send_video(some, await platform.approved())

        async def settled() -> bool:
            return await platform.states(answer) == {"refused": 1, "delivered": 1}

        await platform.until(settled, "one refused, one delivered")
        kinds = "SELECT kind, sum(segments)::int AS n FROM posting WHERE batch_id > 0 GROUP BY kind"
        assert dict(await platform.sql(kinds)) == {"release": 1, "revenue": 1}


async def test_other_networks_and_other_purposes(platform: VideoPlatform) -> None:
    video = await platform.approved()
    abroad = number("unicom", 3)
    await platform.agree([abroad])
    assert (await platform.send_video([abroad], video))["reasons"] == {"no_route": 1}
    with pytest.raises(InvalidInput) as caught:
        await platform.send_video([abroad], video, purpose="notification")
    assert caught.value.code == "video_purpose"
    notice = await platform.approved(
        purpose="notification",
        basis="the person ordered it",
        frames=[("1.txt", "【商户1】您的订单已发货。".encode())],
    )
    (person,) = people(1)
    answer = await platform.send_video([person], notice, purpose="notification")
    assert answer["allowed"] == 1
    await platform.until(lambda: len(platform.posts()) == 1, "the notice arrives")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("夏装上新。客服电话400-820-1234。拒收请回复R", "signature_missing"),
        ("【别家】夏装上新。客服电话400-820-1234。拒收请回复R", "signature_wrong"),
        ("【商户1】夏装上新。客服电话400-820-1234。", "refusal_way_missing"),
        ("【商户1】夏装上新。拒收请回复R", "contact_missing"),
        (None, "signature_missing"),
    ],
)
async def test_text_frames_are_judged_like_texts(
    platform: VideoPlatform, text: str | None, reason: str
) -> None:
    (person,) = people(1)
    await platform.agree([person])
    frames = [("a.txt", text.encode())] if text else [FRAMES[1]]
    answer = await platform.send_video([person], await platform.approved(frames=frames))
    assert answer["reasons"] == {reason: 1}


async def test_a_campaign_sends_an_approved_video(platform: VideoPlatform) -> None:
    some = people(20)
    await platform.agree(some[:15])
    node, caller = platform.node, platform.caller()
    audience = await node.campaigns.create_audience(caller, "members", "shop", Relation.MEMBERS)
    parsed = parse(some)
    rows = np.arange(20, dtype=np.uint32)
    await node.campaigns.add_chunk(audience, 0, rows, parsed.msisdn, parsed.fault, None)
    await node.campaigns.finish_audience(audience, [])
    frames = [("1.txt", TEXT + b"{not a variable}"), *FRAMES[1:]]
    video = await platform.upload(frames)
    request = CampaignRequest(
        name="summer", audience=str(audience), sender="CODE1", purpose="marketing",
        video=video["id"],
    )  # fmt: skip
    with pytest.raises(Conflict) as caught:
        await node.campaigns.create(caller, request, key=None, sha=b"")
    assert caught.value.code == "content_not_reviewed"
    await platform.review(video)
    dry = await node.campaigns.dry_run(caller, request, 1)
    assert (dry["allowed"], dry["cost_micro"]) == (15, 15 * PRICE)
    answer = json.loads(await node.campaigns.create(caller, request, key=None, sha=b""))

    async def done() -> bool:
        told = await node.campaigns.progress(caller, int(answer["id"]))
        return bool(told["states"] == {"delivered": 15})

    await platform.until(done, "the campaign is delivered")
    assert {tuple(part["sha256"] for part in post["parts"][1:]) for post in platform.posts()} == {
        tuple(digests(frames))
    }


async def test_who_may_do_what(platform: VideoPlatform) -> None:
    video = await platform.upload()
    assert (await platform.upload())["id"] == video["id"]
    node, stranger = platform.node, platform.caller(2)
    for call in (node.videos.get(stranger, int(video["id"])),
                 node.videos.frame(stranger, int(video["id"]), 1)):  # fmt: skip
        with pytest.raises(NotFound):
            await call
    with pytest.raises(NotFound):
        await platform.send(people(1), place=2, text=None, video=video["id"])
    with pytest.raises(NotAllowed):
        await node.videos.waiting(platform.caller(), 0)
    assert await node.videos.frame(platform.reviewer(), int(video["id"]), 1) == ("text/plain", TEXT)
    with pytest.raises(NotFound):
        await platform.review(video, "approve", 9)
    for field, words in (("by", {"by": " "}), ("reason", {"verdict": "reject"})):
        with pytest.raises(InvalidInput) as caught:
            await node.videos.review(
                platform.reviewer(), int(video["id"]), 1,
                FrameReview(**{"verdict": "approve", "by": "韩梅梅", **words}),
            )  # fmt: skip
        assert caught.value.field == field


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([("1.exe", b"MZ\x90\x00\x03\x00")], "frame_type"),
        ([("1.jpg", b"\x89PNG\r\n\x1a\n")], "frame_name"),
        ([("1.txt", b"  \r\n")], "frame_type"),
        ([("1.txt", "你好".encode("gb18030"))], "frame_type"),
        ([("1.gif", b"GIF89a" + bytes(2_000_000))], "video_too_large"),
        ([(f"{i}.txt", b"a") for i in range(21)], "frames"),
    ],
)
async def test_what_is_no_frame_is_refused(
    platform: VideoPlatform, frames: list[tuple[str, bytes]], code: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await platform.upload(frames)
    assert caught.value.code == code
    assert await platform.value("SELECT count(*) FROM video") == 0


async def test_the_link_tells_its_health(platform: VideoPlatform) -> None:
    (link,) = platform.node.pools[CENTRE].health()
    assert (link["dialect"], link["state"], link["listener"]["port"]) == (
        "mm7", "bound", platform.inbound,
    )  # fmt: skip
