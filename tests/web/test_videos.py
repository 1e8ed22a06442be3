"""Contents of video messages over HTTP, with the client and the command line."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from assent.cli import app
from assent.client import AsyncClient
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooLarge
from assent.flow import videos
from tests.flow.video_platform import FRAMES, MP4, VideoPlatform, digests, video_running

WHO = {"sender": "CODE1", "purpose": "marketing", "subject": "夏装上新"}


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[VideoPlatform]:
    async with video_running(migrated_url, tmp_path) as one:
        yield one


async def test_the_client_hands_in_and_reviews(platform: VideoPlatform) -> None:
    async with (
        platform.api() as url,
        AsyncClient(url, await platform.key(["send", "read"])) as customer,
        AsyncClient(url, await platform.key(["review"], "operator")) as reviewer,
        AsyncClient(url, await platform.key(["send", "read"], "account2")) as stranger,
    ):
        video = await customer.upload_video(FRAMES, **WHO)
        assert video["state"] == "submitted"
        assert [frame["sha256"] for frame in video["frames"]] == digests(FRAMES)
        assert [frame["type"] for frame in video["frames"]] == [
            "text/plain", "image/jpeg", "video/mp4", "image/png",
        ]  # fmt: skip
        assert await customer.upload_video(FRAMES, **WHO) == video
        page = await reviewer.videos_waiting()
        assert [one["id"] for one in page["items"]] == [video["id"]]
        assert (await reviewer.videos_waiting(page["cursor"]))["items"] == []
        frame = await reviewer.video_frame(video["id"], 3)
        assert (frame["type"], frame["octets"]) == ("video/mp4", MP4)
        for place in range(1, 5):
            word = {"verdict": "approve", "by": "李雷"}
            video = await reviewer.review_frame(video["id"], place, **word)
        assert video["state"] == "approved"
        assert (await customer.video(video["id"]))["frames"][0]["reviewer"] == "李雷"
        for call in (stranger.video(video["id"]), stranger.video_frame(video["id"], 1),
                     customer.video_frame(video["id"], 5), customer.video(7)):  # fmt: skip
            with pytest.raises(NotFound):
                await call
        for call in (customer.videos_waiting(), customer.review_frame(video["id"], 1, **word)):
            with pytest.raises(NotAllowed):
                await call
        with pytest.raises(TooLarge):
            await customer.upload_video([("a.gif", b"GIF89a" + bytes(2_000_000))], **WHO)
        with pytest.raises(InvalidInput) as caught:
            await customer.upload_video(FRAMES, **{**WHO, "purpose": "verification"})
        assert caught.value.field == "purpose"


async def test_a_review_scope_of_a_customer_reviews_nothing(platform: VideoPlatform) -> None:
    async with (
        platform.api() as url,
        AsyncClient(url, await platform.key(["send", "review"])) as client,
    ):
        video = await client.upload_video(FRAMES, **WHO)
        with pytest.raises(NotAllowed) as caught:
            await client.review_frame(video["id"], 1, verdict="approve", by="me")
        assert caught.value.code == "not_a_reviewer"


async def test_forms_that_are_none(platform: VideoPlatform) -> None:
    key = await platform.key(["send"])
    head = {"authorization": f"Bearer {key}"}
    async with platform.api() as url, httpx.AsyncClient(base_url=url, headers=head) as client:

        async def post(body: bytes, kind: str) -> dict[str, Any]:
            answer = await client.post("/v1/videos", content=body, headers={"content-type": kind})
            told: dict[str, Any] = answer.json()
            return told | {"status": answer.status_code}

        form = 'multipart/form-data; boundary="b"'
        field = b'--b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'
        for body, kind in (
            (b"{}", "application/json"),
            (b"x", form),
            (b"x", "multipart/form-data"),
            (field % (b"sender", b"\xff") + b"--b--", form),
        ):
            told = await post(body, kind)
            assert (told["status"], told["code"]) == (400, "malformed_form")
        told = await post(field % (b"sender", b"CODE1") + b"--b--", form)
        assert (told["status"], told["field"]) == (422, "purpose")
        whole = b"".join(field % (k.encode(), v.encode()) for k, v in WHO.items())
        told = await post(whole + field % (b"colour", b"red") + b"--b--", form)
        assert (told["status"], told["field"]) == (422, "colour")
        told = await post(whole + b"--b--", form)
        assert (told["status"], told["code"]) == (422, "frames")
        answer = await client.get("/v1/videos/1/frames/0")
        assert answer.status_code == 422


async def test_only_so_many_wait(platform: VideoPlatform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "MOST_WAITING", 2)
    for number in range(2):
        await platform.upload(subject=f"s{number}")
    with pytest.raises(Conflict) as caught:
        await platform.upload(subject="s2")
    assert caught.value.code == "videos_waiting"
    await platform.review(await platform.upload(subject="s1"), "reject", 1, reason="no")
    await platform.upload(subject="s2")
    kinds = "SELECT count(*) FROM event WHERE kind = 'video'"
    assert await platform.value(kinds) == 4
    assert await platform.value("SELECT count(*) FROM blob") == len(FRAMES)


async def test_a_frame_is_a_strangers_file(platform: VideoPlatform) -> None:
    video = await platform.upload()
    head = {"authorization": f"Bearer {await platform.key(['read'])}"}
    async with platform.api() as url, httpx.AsyncClient(base_url=url, headers=head) as client:
        answer = await client.get(f"/v1/videos/{video['id']}/frames/2")
    assert answer.content == FRAMES[1][1]
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_commands_of_reviewers(platform: VideoPlatform, tmp_path: Path) -> None:
    directory = tmp_path / "clip"
    directory.mkdir()
    (directory / ".hidden").write_bytes(b"MZ")
    for name, data in FRAMES[:2]:
        (directory / name).write_bytes(data)
    customer = await platform.key(["send", "read"])
    operator = await platform.key(["review"], "operator")
    async with platform.api() as url:

        async def run(key: str, *words: str, code: int = 0, json_too: bool = True) -> Any:
            runner = CliRunner(env={"ASSENT_URL": url, "ASSENT_KEY": key, "COLUMNS": "200"})
            more = ["--json"] if json_too else []
            done = await asyncio.to_thread(runner.invoke, app, [*words, *more])
            assert done.exit_code == code, (done.output, done.exception)
            return json.loads(done.stdout) if json_too else done.stdout

        upload = ("video", "upload", str(directory), "--sender", "CODE1")
        more = ("--purpose", "marketing", "--subject", "夏装")
        video = await run(customer, *upload, *more)
        assert [frame["name"] for frame in video["frames"]] == ["1.txt", "2.jpg"]
        assert "夏装" in await run(operator, "video", "waiting", json_too=False)
        reject = ("video", "reject", video["id"], "--frame", "2", "--by", "李雷")
        told = await run(operator, *reject, "--reason", "画面不符")
        assert told["state"] == "rejected"
        assert "画面不符" in await run(customer, "video", "show", video["id"], json_too=False)
        out = tmp_path / "there"
        out.write_bytes(b"")
        frame = ("video", "frame", video["id"], "1", "--out", str(out))
        assert (await run(customer, *frame, code=3))["error"]["code"] == "cannot_write"
        send = ("send", "--sender", "CODE1", "--purpose", "marketing", "--to", "13900000001")
        told = await run(customer, *send, "--video", str(directory), code=3)
        assert told["error"]["code"] == "missing_subject"
        told = await run(customer, *send, "--video", str(out), "--subject", "x", code=3)
        assert told["error"]["code"] == "no_frames"
        told = await run(customer, *send, "--video", video["id"], "--dry-run", code=6)
        assert told["reasons"] == {"content_refused": 1}
        told = await run(customer, *send, "--video", "12345", code=3)
        assert told["error"]["code"] == "no_video"
