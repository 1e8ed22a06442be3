"""What staff ask of the PDU log, over HTTP; every process follows (`pdu_watch.py`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from assent.app.pdu_watch import CHANNEL
from assent.carrier.pdu_masks import canonical, mark_of
from assent.errors import InvalidInput, NotFound
from assent.flow.needs import utc
from assent.flow.requests import Caller, PduLogRequest
from assent.flow.staff import check_staff, keep_act

if TYPE_CHECKING:
    from assent.app.node import Node


class PduDesk:
    """Switches the log on and off and shows it; every caller must be of the staff."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def on(self, caller: Caller, request: PduLogRequest) -> dict[str, Any]:
        """Look for the PDUs of a link, a carrier or a customer's login, for a while; what an
        earlier look saw is forgotten. Raises NotFound for a name that is none of these,
        InvalidInput for no number, and for links that speak no PDUs.

        The number is kept and told to the other processes as a digest with a key that is in their
        memory only.
        """
        node = self._node
        check_staff(node.catalogue, caller)
        self._check_target(request.link)
        mark = None
        if request.number is not None:
            mark = mark_of(node.key, canonical(request.number))
        now = node.clock.now()
        until = utc(now + request.seconds)
        after = {"until": until.isoformat(), "most": request.most, "by_number": mark is not None}
        async with node.store.transaction() as tx:
            await tx.execute("pdu_watch_off")
            await tx.execute("pdu_seen_forget", utc(now + 86_400))
            watch = await tx.fetchval("pdu_watch_on", request.link, mark, until, request.most)
            await keep_act(tx, caller, now, "pdulog.on", request.link, {}, after)
            await tx.execute("notify", CHANNEL, "")
        return {"log": watch, "link": request.link, **after}

    def _check_target(self, name: str) -> None:
        node = self._node
        links = node.fleet.settings.names()
        customers = [] if node.customers is None else node.customers.reception.links
        logins = {one.login for one in customers}
        if name not in {*links, *links.values(), *logins}:
            raise NotFound(
                "no_link",
                "there is no such link, carrier or customer's login",
                field="link",
                mend="see GET /v1/links, or assent links list",
            )
        if links.get(name, name) in node.fleet.video and name not in logins:
            raise InvalidInput(
                "no_pdus",
                "the link speaks MM7, whose posts the log does not show",
                field="link",
                mend="name a link that carries texts; GET /v1/links tells how an MM7 link is",
            )

    async def off(self, caller: Caller) -> dict[str, Any]:
        """Look no more. What was seen can be read for a day."""
        node = self._node
        check_staff(node.catalogue, caller)
        async with node.store.transaction() as tx:
            ended = await tx.fetch("pdu_watch_off")
            if ended:
                await keep_act(tx, caller, node.clock.now(), "pdulog.off", "", {}, {})
                await tx.execute("notify", CHANNEL, "")
        return {"ended": len(ended)}

    async def show(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return what was seen after a cursor, and how the log stands: `on`, `seen`, `dropped`
        (in all processes, as of the last second)."""
        node = self._node
        check_staff(node.catalogue, caller)
        watch = await node.store.fetchrow("pdu_watch_last")
        if watch is None:
            return {"on": False, "items": [], "cursor": cursor, "more": False}
        rows = await node.store.fetch("pdu_seen_after", watch["id"], cursor, limit + 1)
        page = rows[:limit]
        return {
            "on": not watch["ended"] and node.clock.now() < watch["until"].timestamp(),
            "link": watch["link"],
            "by_number": watch["by_number"],
            "until": watch["until"],
            "seen": watch["seen"],
            "most": watch["most"],
            "dropped": await self._dropped(),
            "items": [{"at": row["at"], **msgspec.json.decode(row["body"])} for row in page],
            "cursor": page[-1]["id"] if page else cursor,
            "more": len(rows) > limit,
        }

    async def _dropped(self) -> int:
        node = self._node
        rows = await node.store.fetch("health_all")
        others = [row["body"] for row in rows if row["epoch"] != node.epoch.id]
        reports = [node.report(), *(msgspec.json.decode(body) for body in others)]
        return sum(report["pdus"]["dropped"] for report in reports)
