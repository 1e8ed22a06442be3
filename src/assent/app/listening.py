"""What a process does when others tell it that something changed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from assent.app.once import once

if TYPE_CHECKING:
    from assent.app.node import Node


async def listen(node: Node) -> None:
    """Follow every channel that concerns a process. (long: a few lines a channel)"""

    async def on(channel: str, call: Callable[..., None]) -> None:
        # Called with what was notified, and with nothing where something may have been missed.
        await node.store.listen(channel, call, call)

    async def catalogue() -> None:
        await node.catalogue.load(node.store)
        node.dispatcher.holding.wake()
        node.fleet.see_ports(node.catalogue.ports.values())
        node.keys.forget()
        if node.customers is not None:
            await node.customers.reload()

    async def ledger() -> None:
        await node.ends.sync(node.store)
        await node.live.sync(node.store)
        node.ledger.sealer.wake()

    async def campaign() -> None:
        node.campaigns.wake()
        await node.dispatcher.tidy()

    async def links() -> None:
        await node.fleet.follow(node.store)
        node.fleet.see_ports(node.catalogue.ports.values())

    handlers: dict[str, Callable[[], Awaitable[None]]] = {
        "video": node.dispatcher.leases.follow_videos,
        "catalogue": catalogue,
        "restriction": lambda: _restriction(node),
        "carrier_block": lambda: _blocks(node),
        "ledger": ledger,
        "campaign": campaign,
        "links": links,
        "pdus": node.pdus.follow,
        "vault": node.vault.follow,
    }
    for channel, handler in handlers.items():
        call = once(handler, node.background)
        await on(channel, lambda _payload="", call=call: call())
        if channel in ("links", "pdus"):
            call()  # what staff ordered between our look and our listening
    await on("queue", node.dispatcher.wake)
    node.screening.texts.loaded = once(node.ledger.note_settings, node.background)
    follow = once(node.screening.texts.follow_templates, node.background)
    await on(node.screening.channel, node.screening.heard(follow))
    follow()
    await on(node.consent_desk.channel, node.consent_desk.wake)
    if not node.replies.hands_over:
        await on("inbound", node.replies.wake)
        node.replies.wake()  # what was stored while nobody acted
    await on(node.page_desk.channel, node.page_desk.wake)
    await on("confirm", lambda _payload="": node.confirmer.wake())
    if node.customers is not None:
        await on("parcel", node.customers.mail)


async def _restriction(node: Node) -> None:
    await node.catalogue.chain.restricted.load(node.store)
    node.dispatcher.holding.wake()
    node.campaigns.wake()


async def _blocks(node: Node) -> None:
    await node.catalogue.chain.restricted.load_blocked(node.store)
    node.dispatcher.holding.wake()
