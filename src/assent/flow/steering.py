"""What staff order of links: kept in a table, announced, and followed by every process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from assent.clock import Clock
from assent.errors import Conflict, NotFound
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller
from assent.flow.staff import keep_act

CHANNEL: Final = "links"
WISHES: Final = {"pause": "paused", "drain": "drained", "resume": None}
"""What each order makes of a link: `paused` (bound, pulls nothing) or `drained` (what is written is
answered, then down); None takes it back."""


async def orders(queries: Queries) -> dict[str, str]:
    """Return what is ordered, by the name of a link or a carrier."""
    return {row["target"]: row["wish"] for row in await queries.fetch("link_orders")}


def wish_of(ordered: Mapping[str, str], carrier: str, link: str) -> str | None:
    """Return what an order makes of a link: of its own and its carrier's, the one that asks for
    more."""
    wishes = {ordered.get(carrier), ordered.get(link)}
    return next((wish for wish in ("drained", "paused") if wish in wishes), None)


async def order(
    store: Store, clock: Clock, caller: Caller, names: Mapping[str, str], target: str, action: str
) -> None:
    """Pause, resume or drain a link, or all links of a carrier, and write down who did it.

    `names`: the carrier of each link there is. To resume a carrier takes back the orders of its
    links, too; an order about a link that is gone can be taken back. Raises NotFound for a name
    that is neither, and Conflict where a link is resumed whose carrier is not.
    """
    wish = WISHES[action]
    at = clock.now()
    async with store.transaction() as tx:
        await tx.execute("link_orders_hold")
        ordered = await orders(tx)
        known = {*names, *names.values()} if wish else {*names, *names.values(), *ordered}
        if target not in known:
            raise NotFound(
                "no_link",
                "there is no such link or carrier",
                field="name",
                mend="see GET /v1/links, or assent links list",
            )
        over = ordered.get(names.get(target, ""))
        if wish is None and over is not None:
            raise Conflict(
                "carrier_ordered",
                f"all links of the carrier are {over}",
                field="name",
                mend=f"resume {names[target]}",
            )
        about = {target}
        if wish is None:
            about |= {link for link, carrier in names.items() if carrier == target}
            await tx.execute("link_orders_end", sorted(about))
        else:
            await tx.execute("link_order_put", target, wish, utc(at))
        before = {name: ordered[name] for name in sorted(about) if name in ordered}
        after = {} if wish is None else {target: wish}
        await keep_act(tx, caller, at, f"links.{action}", target, before, after)
        await tx.execute("notify", CHANNEL, "")
