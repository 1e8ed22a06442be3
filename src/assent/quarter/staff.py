"""The operator's people: they read what is held, file what was complained of, and act on cases by
the ladder. They see what the platform shows them and nothing else."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from assent.client import AsyncClient
from assent.errors import AssentError
from assent.quarter.register import OPERATOR
from assent.quarter.world import World

_SUSPICIOUS: Final = re.compile(r"额度|周转|最高可借|日息|分期首期|新楼盘|试驾|报名请联系")
"""What a reviewer takes for advertising or loans when a text is on the desk."""


class Staff:
    """One evening's work a day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.counts: Counter[str] = Counter()

    @property
    def _reviewer(self) -> AsyncClient:
        return self._world.client(OPERATOR, "reviewer")

    async def evening(self, day: int) -> None:
        """Do what is there to do."""
        await self._desk()

    async def _desk(self) -> None:
        items = await self._world.tried(self._reviewer.review_items(), "desk")
        for item in (items or {"items": []})["items"]:
            await self._decide(item)

    async def _decide(self, item: dict[str, Any]) -> None:
        shown = await self._reviewer.review_item(item["id"])
        words = str(shown.get("subject"))
        ground = "forged" if item["kind"] == "consent_import" else "business_not_served"
        bad = item["kind"] == "consent_import" or bool(_SUSPICIOUS.search(words))
        self.counts[f"{item['kind']} {'refused' if bad else 'approved'}"] += 1
        try:
            if bad:
                await self._reviewer.decide_item(item["id"], "refuse", ground, "疑似违规")
            else:
                await self._reviewer.decide_item(item["id"], "approve", "in_order", "内容正常")
        except AssentError as error:
            self.counts[f"desk {error.code}"] += 1
