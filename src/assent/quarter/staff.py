"""The operator's people: they read what is held, hand in what was complained of, and act on cases.
They see what the platform shows them and nothing else (docs/quarter.md tells their routine)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from assent.client import AsyncClient
from assent.client.calls import Call
from assent.errors import AssentError, NotFound
from assent.quarter.cast import Sender
from assent.quarter.outcome import Case, case_of
from assent.quarter.receivers import Complaint
from assent.quarter.register import OPERATOR
from assent.quarter.reported import of_carriers, of_the_centre
from assent.quarter.world import World

_SUSPICIOUS: Final = re.compile(r"额度|周转|最高可借|日息|分期首期|新楼盘|试驾|报名请联系")
"""What a reviewer takes for advertising or loans when a text is on the desk."""
_GRAVE: Final = 3
_AGAIN: Final = "warning"
"""Where the ladder begins for who had a case before."""
_PATIENCE_S: Final = 2 * 86_400.0
_FRESH_S: Final = 1.2 * 86_400.0
_QUIET_S: Final = 14 * 86_400.0


class Staff:
    """One evening's work a day."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.counts: Counter[str] = Counter()
        self.listed: list[dict[str, Any]] = []
        self._taken = 0
        self._centre: list[Complaint] = []

    def _as(self, key: str) -> AsyncClient:
        return self._world.client(OPERATOR, key)

    async def evening(self, day: int) -> None:
        """Do what is there to do."""
        await self._complaints(day)
        await self._desk()
        await self._officer()

    async def cases(self) -> list[Case]:
        """Return all cases."""
        self.listed = await self._listed("/v1/cases")
        return [case_of(item) for item in self.listed]

    async def restricted(self, senders: Sequence[Sender]) -> set[str]:
        """Return the credit codes of those whom a restriction ever stood against."""
        found = await self._listed("/v1/restrictions")
        codes = {one.account: one.code for one in senders}
        return {
            item.get("sender") or codes.get(item.get("account") or "", "") for item in found
        } - {""}

    async def _listed(self, path: str) -> list[dict[str, Any]]:
        """Return everything of a list; nothing where the platform has no such list."""
        items: list[dict[str, Any]] = []
        cursor: Any = 0
        while True:
            call = Call("GET", path, {"cursor": str(cursor), "limit": "100"})
            try:
                answer = await self._as("duty")._do(call)
            except NotFound:
                return items
            items += answer["items"]
            cursor = answer["cursor"]
            if not cursor:
                return items

    # Complaints ----------------------------------------------------------------------------------

    async def _complaints(self, day: int) -> None:
        """Take in what carriers send every day, and what 12321 sends on Mondays."""
        new = self._world.receivers.complaints[self._taken :]
        self._taken += len(new)
        self._centre += [one for one in new if one.to_centre]
        admin, tried = self._as("admin"), self._world.tried
        for carrier, mapping, file in of_carriers([one for one in new if not one.to_centre]):
            await tried(
                admin.import_complaints(file, mapping=mapping, carrier=carrier), "complaints"
            )
        if day % 7 == 0 and self._centre:
            file = of_the_centre(self._centre)
            await tried(admin.import_complaints(file, mapping="12321"), "complaints")
            self._centre = []

    # Cases -----------------------------------------------------------------------------------

    async def _officer(self) -> None:
        """Look at every open case: what is grave, or goes on after two days, is suspended; what
        was quiet for two weeks is closed, and what stood against it lifted."""
        for item in await self._listed("/v1/cases"):
            if item["kind"] == "enforcement" and item["state"] == "open":
                await self._world.tried(self._case(item), "case")

    async def _case(self, item: dict[str, Any]) -> None:
        duty, number = self._as("duty"), item["id"]
        case = await duty.case(number)
        steps = {one["id"]: one["action"] for one in case["steps"]}
        if "suspend" in {steps[one] for one in case["in_force"]}:
            return
        now, opened = self._world.clock.now(), _time(item["opened_at"])
        last = await self._last_seen(case)
        again = item["start"] == _AGAIN  # the same was dealt with before
        waited = now - opened >= _PATIENCE_S and now - last < _FRESH_S
        if item["severity"] < _GRAVE and (again or waited):
            await duty.assign_case(number, severity=_GRAVE)
            item = {**item, "severity": _GRAVE}
        if item["severity"] >= _GRAVE:
            self.counts["case suspended"] += 1
            told = await duty.act_in_case(number, "suspend", "违规情形严重或持续，暂停服务。")
            for step in told["waiting"]:
                await self._as("chief").agree_in_case(number, step)
        elif now - max(last, opened) >= _QUIET_S:
            self.counts["case closed"] += 1
            for step in case["in_force"]:
                if steps[step] == "restrict":
                    await duty.lift_in_case(number, step, "情况已消除。")
            await duty.end_case(number, "两周内未再出现。")

    async def _last_seen(self, case: dict[str, Any]) -> float:
        """Return when something of what a case rests on was seen last."""
        last = max((_time(one["at"]) for one in case["evidence"]), default=0.0)
        for one in case["evidence"]:
            if one["kind"] == "alarm":
                alarm = await self._as("duty").alarm(one["id"])
                last = max(last, _time(alarm["last_at"]))
        return last

    # The review desk ---------------------------------------------------------------------------

    async def _desk(self) -> None:
        reviewer = self._as("reviewer")
        items = await self._world.tried(reviewer.review_items(), "desk")
        for item in (items or {"items": []})["items"]:
            shown = await reviewer.review_item(item["id"])
            about = shown.get("subject")
            bad = (
                item["kind"] == "consent_import"
                or (item["kind"] == "group" and _one_hand(about))
                or bool(_SUSPICIOUS.search(str(about)))
            )
            self.counts[f"{item['kind']} {'refused' if bad else 'approved'}"] += 1
            await self._decide(reviewer, item, bad)

    async def _decide(self, reviewer: AsyncClient, item: dict[str, Any], bad: bool) -> None:
        words = ("approve", "in_order", "内容正常")
        if bad:
            forged = item["kind"] == "consent_import"
            words = ("refuse", "forged" if forged else "business_not_served", "疑似违规")
        try:
            await reviewer.decide_item(item["id"], *words)
        except AssentError as error:
            self.counts[f"desk {error.code}"] += 1


def _one_hand(group: Any) -> bool:
    """Tell whether companies that share a text lead to the same place with it, too: shops of one
    brand would be of one owner, and say so."""
    kinds = {one["kind"] for one in (group or {}).get("reasons", ())}
    return {"text", "host"} <= kinds


def _time(word: str) -> float:
    return datetime.fromisoformat(word).timestamp()
