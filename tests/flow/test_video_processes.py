"""The whole of it as processes: `assent serve`, `assent simulate mms`, `assent send --video`."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import secrets
import sys
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.flow.setup import Register, file_register
from assent.store import Store
from bench.papers import complete
from tests.flow.conftest import SECRET, number
from tests.flow.installation import Installation, free_port, kill
from tests.flow.video_platform import CENTRE, FRAMES, video_register

pytestmark = pytest.mark.timeout(300)


class VideoInstallation(Installation):
    """An installation with a centre that is a process of its own."""

    centre: asyncio.subprocess.Process
    control: int

    async def begin(self) -> None:
        """Start the centre and the platform; file who may send videos and who reviews."""
        await self.prepare({}, None, 1)
        inbound = free_port()
        ready = await self._simulate(inbound)
        self.control = ready["control_port"]
        secret = self.directory / "secret"
        with self.config.open("a", encoding="utf-8") as file:
            file.write(
                f'[[carriers]]\nname = "{CENTRE}"\nnetworks = ["mobile"]\n[[carriers.links]]\n'
                f'dialect = "mm7"\nurl = "http://127.0.0.1:{ready["port"]}/mm7"\nuser = "vasp"\n'
                f'secret_file = "{secret}"\nvasp_id = "1"\nfront = 0\nbulk = 1\n'
                f'listen = {{ host = "127.0.0.1", port = {inbound}, user = "vasp", '
                f'secret_file = "{secret}" }}\n'
            )
        document = video_register()
        document["accounts"][0]["keys"] = [{"name": "videos"}]
        document["accounts"][2]["keys"] = [{"name": "reviewers", "scopes": ["review"]}]
        async with self.engine():
            store = await Store.open(self.url)
            made = await file_register(
                store,
                msgspec.convert(complete(document), Register),
                self.clock.now(),
                secrets.token_bytes,
            )
            await store.close()
        self.keys |= {name.split("/")[0]: key for name, key in made["keys"].items()}
        await self.serve()
        await self.up()

    async def up(self) -> None:
        async def linked() -> bool:
            if not await self.is_up():
                return False
            async with self.client(tries=1) as client:
                return bool((await client.health())["carriers"].get(CENTRE))

        await self.until(linked, f"the platform is up: {self.said()}", 60.0)

    async def _simulate(self, inbound: int) -> dict[str, Any]:
        self.centre = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assent.app.main", "simulate", "mms", "--name", CENTRE),
            *("--user", "vasp", "--reports-to", f"127.0.0.1:{inbound}", "--control-port", "0"),
            *("--records", str(self.directory / "mms.jsonl"), "--with-parent"),
            stdout=asyncio.subprocess.PIPE,
            env=self.environment() | {"ASSENT_SIMULATOR_SECRET": SECRET},
        )
        assert self.centre.stdout is not None
        line = await asyncio.wait_for(self.centre.stdout.readline(), 30.0)
        told: dict[str, Any] = json.loads(line)
        return told

    def environment(self) -> dict[str, str]:
        return os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}

    async def command(self, account: str, *words: str, code: int = 0) -> dict[str, Any]:
        """Run `assent` with an account's key."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "assent.app.main", *words, "--json"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment()
            | {"ASSENT_URL": f"http://127.0.0.1:{self.http}", "ASSENT_KEY": self.keys[account]},
        )
        out, error = await process.communicate()
        assert process.returncode == code, (out, error)
        told: dict[str, Any] = json.loads(out)
        return told

    async def tell(self, **command: Any) -> None:
        """Give the centre a command."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.control)
        writer.write(json.dumps(command).encode() + b"\n")
        assert json.loads(await reader.readline())["ok"]
        writer.close()

    def posts(self) -> list[dict[str, Any]]:
        path = self.directory / "mms.jsonl"
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        return [one for one in map(json.loads, lines) if one["command"] == "SubmitReq"]

    async def close(self) -> None:
        await self.end()
        if hasattr(self, "centre") and self.centre.returncode is None:
            self.centre.terminate()
            await self.centre.wait()


@pytest.fixture
async def installation(engine_root: Path, tmp_path: Path) -> AsyncIterator[VideoInstallation]:
    one = VideoInstallation(engine_root / f"video-{tmp_path.name[-24:]}", tmp_path)
    try:
        await one.begin()
        yield one
    finally:
        await one.close()


async def test_send_video_ends_delivered_and_a_crash_sends_nothing_twice(
    installation: VideoInstallation, tmp_path: Path
) -> None:
    # long: one story
    some = [number("mobile", place) for place in range(6)]
    at = datetime.now(UTC) - timedelta(days=30)
    async with installation.client() as client:
        await client.import_consents(
            [{"to": one, "at": at} for one in some],
            sender="CODE1", programme="clips", grade="document", wording="v1", source="shop",
        )  # fmt: skip
    directory = tmp_path / "clip"
    directory.mkdir()
    for name, data in FRAMES:
        (directory / name).write_bytes(data)
    video = (
        *("send", "--sender", "CODE1", "--purpose", "marketing", "--video", str(directory)),
        *("--subject", "夏装上新"),
    )
    refused = await installation.command("account1", *video, "--to", some[0], code=6)
    assert refused["reasons"] == {"content_not_reviewed": 1}
    (waiting,) = (await installation.command("operator", "video", "waiting"))["items"]
    places = [word for frame in waiting["frames"] for word in ("--frame", str(frame["place"]))]
    approve = ("video", "approve", waiting["id"], *places, "--by", "韩梅梅")
    assert (await installation.command("operator", *approve))["state"] == "approved"
    answer = await installation.command("account1", *video, "--to", some[0])
    message = answer["messages"][0]["id"]

    async def state(id_: str, *wanted: str) -> bool:
        async with installation.client() as client:
            return bool((await client.message(id_))["state"] in wanted)

    await installation.until(lambda: state(message, "delivered"), "it is delivered", 30.0)
    await installation.until(lambda: len(installation.posts()) == 1, "it is in the record")
    (post,) = installation.posts()
    wanted = [hashlib.sha256(data).hexdigest() for _, data in FRAMES]
    assert [part["sha256"] for part in post["parts"][1:]] == wanted

    await installation.tell(do="silence")
    to = [word for one in some[1:] for word in ("--to", one)]
    answer = await installation.command("account1", *video, *to)
    ids = [one["id"] for one in answer["messages"]]
    await installation.until(lambda: len(installation.posts()) == 6, "five more posts", 30.0)
    kill(installation.children()["bulk"])
    await installation.tell(do="speak")
    await installation.up()
    for id_ in ids:

        async def settled(id_: str = id_) -> bool:
            return await state(id_, "unsure", "delivered")  # by the centre's report, later

        await installation.until(settled, "it is unsure", 30.0)
    await asyncio.sleep(1.0)
    assert Counter(one["destination"] for one in installation.posts()) == dict.fromkeys(some, 1)
    assert await installation.terminate() == 0
