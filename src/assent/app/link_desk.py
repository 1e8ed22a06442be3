"""What staff ask of links, over HTTP: it is checked, written down and announced here, and done by
every process (`fleet.py`)."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from assent.app.fleet import read
from assent.app.links import wrong
from assent.app.settings import Settings
from assent.consent.entry import Origin
from assent.errors import Conflict
from assent.flow import steering
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act

if TYPE_CHECKING:
    from assent.app.node import Node
    from assent.web.services import LinkAction


class LinkDesk:
    """Takes orders about links; every caller must be of the staff (`check_staff`)."""

    def __init__(self, node: Node) -> None:
        self._node = node

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return every link with what is ordered of it and how its connections are in each
        process, as of the last second."""
        node = self._node
        check_staff(node.catalogue, caller)
        ordered = await steering.orders(node.store)
        reports = await self._reports()
        settings = node.fleet.settings
        return {
            "settings": settings.mark(),
            "processes": [
                {key: report[key] for key in ("role", "settings", "settings_fault")}
                for report in reports
            ],
            "orders": ordered,
            "links": [
                _shown(settings, name, carrier, ordered, reports)
                for name, carrier in settings.names().items()
            ],
        }

    async def _reports(self) -> list[Mapping[str, Any]]:
        node = self._node
        rows = await node.store.fetch("health_all")
        others = [row for row in rows if row["epoch"] != node.epoch.id]
        reports: list[Mapping[str, Any]] = [msgspec.json.decode(row["body"]) for row in others]
        return [node.report(), *reports]

    async def steer(self, caller: Caller, name: str, action: LinkAction) -> dict[str, Any]:
        """Pause, resume or drain a link or all links of a carrier; return what is ordered now.
        Raises as `steering.order`."""
        node = self._node
        check_staff(node.catalogue, caller)
        names = node.fleet.settings.names()
        await steering.order(node.store, node.clock, caller, names, name, action)
        await node.ledger.note_settings(Origin.STAFF)
        return {"name": name, "orders": await steering.orders(node.store)}

    async def reload(self, caller: Caller) -> dict[str, Any]:
        """Check the settings file and have every process take up what it says of carriers; return
        what that changes. Raises InvalidInput, naming field and mend, for a file that cannot be put
        in force: nothing is changed then."""
        node = self._node
        check_staff(node.catalogue, caller)
        if node.fleet.config is None:
            raise Conflict(
                "no_settings_file",
                "the platform was started without a settings file",
                mend="start it with --config",
            )
        new = await asyncio.to_thread(read, node.fleet.config)
        _check_channels(node.fleet.settings, new)
        changes = _changes(node.fleet.settings, new)
        changes["changed"] = sorted({*changes["changed"], *node.fleet.outdated(new)})
        before, after = {"settings": node.fleet.settings.mark()}, {"settings": new.mark()}
        async with node.store.transaction() as tx:
            await keep_act(
                tx, caller, node.clock.now(), "links.reload", "", before, after | changes
            )
            await tx.execute("notify", steering.CHANNEL, "")
        await node.ledger.note_settings(Origin.STAFF, new)
        return {**after, **changes, "needs_restart": _beside_carriers(node.settings, new)}


def _check_channels(old: Settings, new: Settings) -> None:
    """What was accepted for a carrier waits for it: texts cannot leave by MM7, videos only so."""
    channels = {carrier.name: carrier.channel for carrier in old.carriers}
    for carrier in new.carriers:
        if channels.get(carrier.name, carrier.channel) != carrier.channel:
            mend = "give the carrier with the other links another name"
            words = "the carrier took texts and is to take videos, or the other way round"
            raise wrong(f"carriers.{carrier.name}.links.dialect", words, mend)


def _shown(
    settings: Settings,
    name: str,
    carrier: str,
    ordered: Mapping[str, str],
    reports: list[Mapping[str, Any]],
) -> dict[str, Any]:
    file = _files(settings)[name]
    connections = [
        {"role": report["role"], **link}
        for report in reports
        for link in report["links"]
        if link["link"] == name
    ]
    return {
        "name": name,
        "carrier": carrier,
        "dialect": file.dialect,
        "order": steering.wish_of(ordered, carrier, name),
        "schedule": file.schedule,
        "weight": file.weight,
        "standby": file.standby,
        "states": dict(Counter(one["state"] for one in connections)),
        "connections": connections,
    }


def _files(settings: Settings) -> dict[str, Any]:
    links = (link for carrier in settings.carriers for link in carrier.links)
    return dict(zip(settings.names(), links, strict=True))


def _changes(old: Settings, new: Settings) -> dict[str, list[str]]:
    """Tell by name which links a file adds, removes and changes."""
    before, after = _files(old), _files(new)
    return {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": sorted(n for n in before.keys() & after.keys() if before[n] != after[n]),
    }


def _beside_carriers(old: Settings, new: Settings) -> list[str]:
    """Name the settings that a file changes and that are read at start only."""
    names = [field.name for field in msgspec.structs.fields(Settings) if field.name != "carriers"]
    return [name for name in names if getattr(old, name) != getattr(new, name)]
