"""Links to a messaging centre steered and reloaded while the platform runs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assent.app.link_desk import LinkDesk
from assent.app.node import Node
from assent.app.pdu_desk import PduDesk
from assent.app.settings import load
from assent.clock import SystemClock
from assent.errors import InvalidInput
from assent.flow.requests import Caller, PduLogRequest
from tests.flow.conftest import PROMPT, noon_offset, number
from tests.flow.test_links import inline, told
from tests.flow.video_platform import CENTRE, VideoPlatform, video_register

LINK = f"{CENTRE}-0"
PEOPLE = [number("mobile", place) for place in range(3)]


class SteeredVideos(VideoPlatform):
    """A platform with a centre, whose settings stand in a file that the test rewrites."""

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 1, **link: Any
    ) -> None:
        await super().start(script, seed, links, **link)
        self.file_path = self.directory / "assent.toml"
        self.document: dict[str, Any] = msgspec.to_builtins(self.settings)
        self.write()

    def write(self) -> None:
        self.file_path.write_text(f"carriers = {inline(told(self.document['carriers']))}")

    async def start_node(self) -> Node:
        self.settings = load(self.file_path, {})
        self.node = Node(self.settings, "all", self.url, self.clock, self.file_path)
        await self.node.start()
        self.desk = LinkDesk(self.node)
        await self.until(lambda: bool(self.node.traffic.up[CENTRE]), "the centre's link is up")
        return self.node

    @property
    def operator(self) -> Caller:
        account = self.node.catalogue.operator
        assert account is not None
        return Caller(account.id, frozenset({"links"}), False, 7)

    @property
    def carrier(self) -> dict[str, Any]:
        found: dict[str, Any] = self.document["carriers"][-1]
        return found

    async def become(self, *states: str) -> None:
        links = self.node.pools[CENTRE]
        await self.until(
            lambda: [link.state.value for link in links] == list(states), f"{states}", 20.0
        )

    async def arrive(self, count: int) -> None:
        await self.until(lambda: len(self.posts()) == count, f"{count} posts", 20.0)


@asynccontextmanager
async def steered(url: str, directory: Path) -> AsyncIterator[SteeredVideos]:
    platform = SteeredVideos(url, directory, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    try:
        await platform.file(video_register())
        await platform.start_node()
        yield platform
        await platform.node.stop()
    finally:
        await platform.stop()


async def test_videos_wait_while_their_link_is_paused(migrated_url: str, tmp_path: Path) -> None:
    async with steered(migrated_url, tmp_path) as one:
        await one.agree(PEOPLE)
        video = await one.approved()
        await one.desk.steer(one.operator, LINK, "pause")
        await one.become("paused")
        answer = await one.send_video(PEOPLE[:2], video)
        shown = await one.desk.show(one.operator)
        (link,) = [link for link in shown["links"] if link["name"] == LINK]
        assert (link["dialect"], link["order"], link["states"]) == ("mm7", "paused", {"paused": 1})
        assert one.posts() == []
        await one.desk.steer(one.operator, LINK, "resume")
        await one.arrive(2)

        async def delivered() -> bool:
            return await one.states(answer) == {"delivered": 2}

        await one.until(delivered, "delivered", 20.0)


async def test_a_reload_takes_up_what_the_file_says(migrated_url: str, tmp_path: Path) -> None:
    async with steered(migrated_url, tmp_path) as one:
        await one.agree(PEOPLE)
        video = await one.approved()
        await one.send_video(PEOPLE[:1], video)
        await one.arrive(1)
        one.carrier["links"][0]["vas_id"] = "films"
        one.write()
        old = one.node.pools[CENTRE].links[0]
        assert (await one.desk.reload(one.operator))["changed"] == [LINK]
        await one.until(lambda: old.state.value == "closed", "the old one is gone", 20.0)
        await one.become("bound")
        await one.send_video(PEOPLE[1:2], video)
        await one.arrive(2)
        one.carrier["networks"] = ["broadnet"]
        one.write()
        await one.desk.reload(one.operator)
        await one.until(lambda: len(one.node.fleet.video_routes) == 1, "routes follow", 20.0)
        answer = await one.send_video(PEOPLE[2:], video)
        assert (answer["allowed"], answer["rejected"]) == (0, 1)
        one.document["carriers"].pop()
        one.write()
        assert (await one.desk.reload(one.operator))["removed"] == [LINK]
        await one.until(lambda: not one.node.pools[CENTRE].links, "the centre is gone", 20.0)
        ports = one.node.catalogue.ports.values()
        channels = {one.node.catalogue.channel_of(p) for p in ports if p.carrier == CENTRE}
        assert channels == {"video"}


async def test_what_does_not_fit_videos_is_refused(migrated_url: str, tmp_path: Path) -> None:
    async with steered(migrated_url, tmp_path) as one:
        gateway = one.document["carriers"][0]["links"]
        one.carrier["links"] = [{**link, "name": "other"} for link in gateway]
        one.write()
        with pytest.raises(InvalidInput) as caught:
            await one.desk.reload(one.operator)
        assert caught.value.field == f"carriers.{CENTRE}.links.dialect"
        for name in (CENTRE, LINK):
            with pytest.raises(InvalidInput) as caught:
                await PduDesk(one.node).on(one.operator, PduLogRequest(link=name))
            assert caught.value.code == "no_pdus"
