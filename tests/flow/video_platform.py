"""A platform with a multimedia messaging centre beside its gateways, and contents to send."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from assent.app.http import serve
from assent.app.settings import CarrierFile
from assent.carrier.identity import CarrierSettings
from assent.carrier.mms_centre import MmsCentre
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.clock import SystemClock
from assent.flow.keys import make_key
from assent.flow.requests import (
    Caller,
    ConsentImport,
    ConsentRow,
    FrameReview,
    Receiver,
    SendRequest,
    VideoRequest,
)
from tests.flow.conftest import PROMPT, SECRET, Platform, noon_offset, register
from tests.flow.installation import free_port

CENTRE = "mobile-mms"
PORT = "1069000919"
PRICE = 400_000

JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 40 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + bytes(range(255, -1, -1)) * 8
GIF = b"GIF89a" + bytes(100)
MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom" + bytes(range(256)) * 120
V3GPP = b"\x00\x00\x00\x14ftyp3gp6\x00\x00\x00\x003gp6" + bytes(500)
TEXT = "【商户1】夏装上新，全场八折。\r\n客服电话400-820-1234。拒收请回复R".encode()
FRAMES = [("1.txt", TEXT), ("2.jpg", JPEG), ("3.mp4", MP4), ("4.png", PNG)]


def video_register() -> dict[str, Any]:
    """Return the register with a programme, a port and a price of the channel `video`."""
    document = register(2)
    for place, sender in enumerate(document["senders"], start=1):
        sender["programmes"].append(
            {**sender["programmes"][0], "name": "clips", "channel": "video", "kinds": "clips"}
        )
        sender["ports"] += [
            {
                "number": f"10690009{place}{purpose}",
                "carriers": [CENTRE],
                "purpose": word,
                "signature": f"商户{place}",
                **more,
            }
            for purpose, word, more in (
                (9, "marketing", {"programme": "clips"}),
                (8, "notification", {}),
            )
        ]
    for account in document["accounts"][:1]:
        account["price_video_micro"] = PRICE
    return document


class VideoPlatform(Platform):
    """Three gateways, one centre for video messages to China Mobile's people, and a node."""

    centre: MmsCentre
    inbound: int

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 1, **link: Any
    ) -> None:
        await super().start(PROMPT, seed, links)
        self.inbound = free_port()
        self.recorders[CENTRE] = Recorder(self.directory / f"carrier-{CENTRE}.jsonl", self.clock)
        self.centre = MmsCentre(
            CarrierSettings(
                CENTRE,
                {"vasp": SECRET},
                dialect="mm7",
                reports_to=f"127.0.0.1:{self.inbound}",
                call_again_s=0.1,
            ),
            script_from(script),
            self.clock,
            seed,
            self.recorders[CENTRE],
        )
        self.simulators[CENTRE] = self.centre  # type: ignore[assignment]  # stopped with the rest
        port = await self.centre.start()
        secret = str(self.directory / "secret")
        file = {
            "name": CENTRE,
            "networks": ["mobile", "broadnet"],
            "links": [
                {
                    "dialect": "mm7",
                    "url": f"http://127.0.0.1:{port}/mm7",
                    "user": "vasp",
                    "secret_file": secret,
                    "vasp_id": "800001",
                    "vas_id": "clips",
                    "front": 0,
                    "bulk": 1,
                    "window": 4,
                    "listen": {
                        "host": "127.0.0.1",
                        "port": self.inbound,
                        "user": "vasp",
                        "secret_file": secret,
                        "allowed": ["127.0.0.1"],
                    },
                    **link,
                }
            ],
        }
        carriers = [*self.settings.carriers, msgspec.convert(file, CarrierFile)]
        http = msgspec.structs.replace(self.settings.http, port=0)
        self.settings = msgspec.structs.replace(self.settings, carriers=carriers, http=http)

    async def start_node(self) -> Any:
        node = await super().start_node()
        await self.until(lambda: bool(node.traffic.up[CENTRE]), "the centre's link is up")
        return node

    # What customers and reviewers do -----------------------------------------------------------

    def reviewer(self) -> Caller:
        account = next(a for a in self.node.catalogue.accounts.values() if a.kind == "operator")
        return Caller(account.id, frozenset({"review"}), False, 7)

    async def upload(
        self,
        frames: list[tuple[str, bytes]] | None = None,
        purpose: str = "marketing",
        **more: Any,
    ) -> dict[str, Any]:
        request = VideoRequest(
            sender="CODE1", purpose=purpose, subject=more.pop("subject", "夏装上新"), **more
        )
        return await self.node.videos.add(self.caller(), request, frames or FRAMES)

    async def review(
        self, video: dict[str, Any], verdict: str = "approve", *places: int, reason: str = ""
    ) -> dict[str, Any]:
        told: dict[str, Any] = {}
        for place in places or [frame["place"] for frame in video["frames"]]:
            word = FrameReview(verdict=verdict, by="李雷", reason=reason)
            told = await self.node.videos.review(self.reviewer(), int(video["id"]), place, word)
        return told

    async def approved(self, **more: Any) -> str:
        """Return the id of a content whose every frame was approved."""
        video = await self.upload(**more)
        assert (await self.review(video))["state"] == "approved"
        return str(video["id"])

    async def send_video(self, people: list[str], video: str, **more: Any) -> dict[str, Any]:
        request = SendRequest(
            sender="CODE1",
            purpose=more.pop("purpose", "marketing"),
            messages=[Receiver(to=one) for one in people],
            video=video,
            **more,
        )
        answer = await self.node.sending.send(self.caller(), request, key=None, sha=b"")
        told: dict[str, Any] = json.loads(answer)
        return told

    async def agree(self, people: list[str], programme: str = "clips") -> None:
        """Import consents to a programme."""
        at = datetime.now(UTC) - timedelta(days=30)
        request = ConsentImport(
            sender="CODE1",
            programme=programme,
            grade="document",
            wording="v1",
            source="shop form",
            consents=[ConsentRow(to=one, at=at) for one in people],
        )
        await self.node.consents.import_rows(self.caller(), request, key=None, sha=b"")
        await self.node.live.sync(self.node.store)

    async def key(self, scopes: list[str], account: str = "account1") -> str:
        """Return an API key."""
        accounts = self.node.catalogue.accounts.values()
        return await make_key(
            self.node.store,
            next(a.id for a in accounts if a.name == account),
            scopes,
            sandbox=False,
            random=secrets.token_bytes(24),
            at=self.clock.now(),
        )

    @asynccontextmanager
    async def api(self) -> AsyncIterator[str]:
        """Serve the HTTP API of the node; yield its address."""
        server = await serve(self.node)
        try:
            yield f"http://127.0.0.1:{server.port}"
        finally:
            await server.stop()

    # What the centre saw -----------------------------------------------------------------------

    def posts(self) -> list[dict[str, Any]]:
        """Return the messages that arrived at the centre."""
        return [r for r in self.records(CENTRE) if r["command"] == "SubmitReq"]

    async def states(self, answer: dict[str, Any]) -> dict[str, int]:
        told = await self.node.status.submission(self.caller(), int(answer["id"]))
        return dict(told["states"])


def digests(frames: list[tuple[str, bytes]]) -> list[str]:
    """Return the SHA-256 of each frame."""
    return [hashlib.sha256(data).hexdigest() for _, data in frames]


@asynccontextmanager
async def video_running(
    url: str, directory: Path, script: dict[str, Any] | None = None, **link: Any
) -> AsyncIterator[VideoPlatform]:
    """Start a platform with a centre and stop it in order."""
    platform = VideoPlatform(url, directory, SystemClock(noon_offset()))
    await platform.start(script or PROMPT, **link)
    try:
        await platform.file(video_register())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()
