"""The links of one process: those that the settings file tells, steered as staff order.

The file says what links exist. `adopt` takes up what it says now; `follow` reads what staff ordered
and, where settings were put in force since, the file again. Every process does so when it is told.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final

import structlog

from assent.app import settings as app_settings
from assent.app.ports import PortRoom
from assent.app.settings import Settings
from assent.carrier.pdu_tap import TapMaker
from assent.carrier.pool import Pool
from assent.clock import Clock
from assent.errors import InvalidInput
from assent.flow import steering
from assent.flow.dispatch import Dispatcher
from assent.flow.needs import Store
from assent.flow.order import Port
from assent.flow.traffic import Traffic
from assent.message import Network
from assent.text import Writing

ALL: Final = "all"
log = structlog.get_logger("assent")


def read(path: Path | None) -> Settings:
    """Return the settings of a file, which could be put in force as they are: secrets and
    certificates are there. Raises InvalidInput naming the field and the mend."""
    settings = app_settings.load(path)
    for carrier in settings.carriers:
        settings.links(carrier, ALL)
    return settings


class Fleet:
    """The pools of one process, by carrier. `routes` and `video_routes` tell which carrier serves a
    network, `video` which carriers take videos, `writings` how texts for the others are written,
    `detours` which takes new messages of one that is away; all are changed in place."""

    def __init__(
        self, settings: Settings, role: str, config: Path | None, clock: Clock, rng: Random
    ) -> None:
        self.settings = settings
        self.config = config
        self.pools: dict[str, Pool] = {}
        self.routes: dict[Network, str] = settings.routes()
        self.video_routes: dict[Network, str] = settings.routes("video")
        self.video: set[str] = set(settings.video_carriers())
        self.writings: dict[str, Writing] = settings.writings()
        self.detours: dict[str, str] = {}
        self.fault = ""  # why settings that were put in force are not followed here
        self.port_faults: list[dict[str, str]] = []
        self._role = role
        self._clock = clock
        self._rng = rng
        self._reloaded = 0
        self._present: dict[str, float] = {}  # when a carrier last had a bound link
        self._tapping: tuple[TapMaker | None, str] = None, ""
        self._orders: dict[str, str] = {}
        self._running = False

    def carriers(self) -> list[str]:
        """Return the carriers that this process has links to."""
        return [
            carrier.name
            for carrier in self.settings.carriers
            if self.settings.lanes_served(carrier, self._role)
        ]

    def attach(self, traffic: Traffic, dispatcher: Dispatcher) -> None:
        """Make the links, between traffic and the carriers; none connects yet."""
        self._traffic = traffic
        self._dispatcher = dispatcher
        self.adopt(self.settings)

    def adopt(self, settings: Settings) -> None:
        """Be the fleet of other settings (`Pool.change`). Raises InvalidInput when a secret or
        certificate cannot be read any more; nothing is changed then."""
        plans = {
            carrier.name: settings.links(carrier, self._role)
            for carrier in settings.carriers
            if settings.lanes_served(carrier, self._role)
        }
        self.settings = settings
        self._route(settings)
        for name, links in plans.items():
            pool = self.pools.get(name)
            if pool is not None:
                pool.change(links)
                continue
            self._dispatcher.carry(name)
            flow = self._traffic
            self.pools[name] = Pool(name, links, flow, flow, self._clock, self._rng)
            self.pools[name].tap(*self._tapping)
        for name in self.pools.keys() - plans.keys():
            self.pools[name].change([])
        self._steer()
        if self._running:
            self.start()

    def _route(self, settings: Settings) -> None:
        routes, videos = settings.routes(), settings.routes("video")
        for known, new in ((self.routes, routes), (self.video_routes, videos)):
            known.clear()
            known.update(new)
        self.writings.clear()
        self.writings.update(settings.writings())
        self.video -= self.writings.keys()  # one that is removed took videos, and waits for them
        self.video.update(settings.video_carriers())

    def ways(self, network: Network) -> list[str]:
        """Return the carriers of texts that may reach a network's people: the usual one, its
        fallback, then the others that name the network."""
        usual = self.routes.get(network, "")
        texts = [one for one in self.settings.carriers if one.channel == "sms"]
        back = [one.fallback for one in texts if one.name == usual and one.fallback]
        named = [one.name for one in texts if network.name.lower() in one.networks]
        return list(dict.fromkeys([*([usual] if usual else []), *back, *named]))

    def start(self) -> None:
        """Start every link that is wanted."""
        self._running = True
        for pool in self.pools.values():
            pool.start()

    def kick(self, carrier: str) -> None:
        """Say that there may be work for a carrier."""
        self.pools[carrier].kick()

    def outdated(self, settings: Settings) -> set[str]:
        """Return the links whose connections here would be exchanged for those of other settings:
        also where only the content of a secret's or certificate's file is another."""
        new = {
            one.name: one
            for carrier in settings.carriers
            for one in settings.links(carrier, self._role)
        }
        links = [link for pool in self.pools.values() for link in pool.links]
        return {
            link.settings.link
            for link in links
            if link.name in new and not link.settings.same_line(new[link.name])
        }

    def see_ports(self, ports: Iterable[Port]) -> None:
        """Tell the operator of ports that links cannot write: their messages are refused."""
        found = PortRoom(self.settings).faults(ports)
        self.port_faults = [
            {"carrier": carrier, "port": number, "fault": fault} for carrier, number, fault in found
        ]
        for fault in self.port_faults:
            log.error("port_unwritable", **fault)

    def tap(self, maker: TapMaker | None, target: str = "") -> None:
        """Show what passes over a link or all links of a carrier; None: no more."""
        self._tapping = maker, target
        for pool in self.pools.values():
            pool.tap(maker, target)

    def look(self) -> None:
        """See whether hours of links began or ended, and which carriers are away. To be called
        every second or so."""
        now = time.monotonic()
        for name, pool in self.pools.items():
            pool.look()
            if pool.present or name not in self._present:
                self._present[name] = now
        self.detours.clear()
        for carrier in self.settings.carriers:
            away_s = now - self._present.get(carrier.name, now)
            other = carrier.fallback
            if other is not None and away_s >= carrier.fallback_after_s and self._stands(other):
                self.detours[carrier.name] = other

    def _stands(self, carrier: str) -> bool:
        pool = self.pools.get(carrier)
        return pool is None or pool.present  # where we have no links, others may

    async def follow(self, store: Store) -> None:
        """Do what staff ordered since. Raises AssentError when the store fails."""
        self._orders = await steering.orders(store)
        self._steer()
        act = await store.fetchrow("links_reloaded")
        if act is not None and act["id"] != self._reloaded:
            await self._reread(act["settings"])
            self._reloaded = act["id"]

    async def _reread(self, wanted: str) -> None:
        """Take up the file if it is the one that was put in force. After a restart it may be newer:
        then what we started with holds. One that says the same may lead to other secrets."""
        if self.config is None:
            return
        fault = ""
        try:
            settings = await asyncio.to_thread(read, self.config)
            if settings.mark() == wanted:
                self.adopt(settings)
            elif settings.mark() != self.settings.mark():
                fault = "settings_changed"
        except (InvalidInput, OSError) as error:
            fault = error.code if isinstance(error, InvalidInput) else "bad_settings"
        self.fault = fault
        if fault:
            log.error("settings_not_followed", code=fault, role=self._role)

    def _steer(self) -> None:
        links = self.settings.names()
        for name, pool in self.pools.items():
            wishes = {
                link: steering.wish_of(self._orders, carrier, link)
                for link, carrier in links.items()
                if carrier == name
            }
            pool.steer({link: wish for link, wish in wishes.items() if wish is not None})

    def abort(self, reason: str) -> None:
        """Close every socket at once and stay down."""
        self._running = False
        for pool in self.pools.values():
            pool.abort(reason)

    async def drain(self, timeout_s: float) -> None:
        """Drain every link at the same time, for good."""
        self._running = False
        await asyncio.gather(*(pool.drain(timeout_s) for pool in self.pools.values()))

    def report(self) -> dict[str, Any]:
        """Return the health of every link, and which settings are followed."""
        return {
            "links": [link for pool in self.pools.values() for link in pool.health()],
            "settings": self.settings.mark(),
            "settings_fault": self.fault,
            "ports_unwritable": self.port_faults,
        }
