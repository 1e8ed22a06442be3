"""Villains whose lists are made up, bought or shared, and who send codes to harass."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any, Final

from assent.quarter.cast import TRADES, Sender
from assent.quarter.plot import Acts, Plot
from assent.quarter.population import Population, chosen
from assent.quarter.register import Cast
from assent.quarter.world import World

_TRADES: Final = {trade.word: trade for trade in TRADES}


class Group(Plot):
    """Accounts that pretend not to know each other: one text, one site, one hour, one list."""

    _TEXT: Final = "精品腕表会员专享八折，详见 www.jingpin-wb{n}.example.cn 。客服{contact}"

    def enter(self, cast: Cast, population: Population) -> None:
        """So many shops, with people who never heard of them."""
        people = population.numbers(self.strength.whole("people"), 0.08)
        for place in range(self.strength.whole("accounts")):
            one = self._make(self.first + place, _TRADES["商店"], "marketing")
            one.people = people
            cast.company(one)

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Bring the list, each at another hour, some days before."""
        return [
            world.agree(one, chosen(one.people, 90, self.rng), self.rng, true=False)
            for place, one in enumerate(self.senders)
            if (day, slot) == (self.start - 5 + place // 3, place % 3)
        ]

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """All write at once, every other day."""
        if slot != 1:
            return []
        return [
            self.send(
                world, one, "marketing",
                chosen(one.people, self.strength.whole("a_day"), self.rng),
                text=self._TEXT.replace("{contact}", one.contact).replace("{n}", ""),
                relation="members",
            )
            for one in self.senders
        ]  # fmt: skip


class ListBuyer(Plot):
    """An agent that buys lists and says that these people are its customers' customers."""

    def enter(self, cast: Cast, population: Population) -> None:
        """An agent with two shops."""
        self._population = population
        for place in range(2):
            one = self._make(self.first + place, _TRADES["商城"], "marketing")
            one.account = f"agent{self.first}"
        cast.agent(
            f"agent{self.first}", f"91330108MA2{self.first:06d}Y", "众联信息技术有限公司",
            self.senders,
        )  # fmt: skip

    def _buy(self, world: World, one: Sender) -> Awaitable[Any]:
        count = max(1, self.strength.whole("people") // 8)
        bought = self._population.numbers(count, self.strength.share("unknown_share"))
        one.people += bought
        return world.agree(one, bought, self.rng, grade="assertion", days=(1, 60), true=False)

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Buy every few days, and write to everybody bought so far."""
        one = self.senders[day % 2]
        if slot == 0 and (day - self.start) % 3 < 2:
            return [self._buy(world, one)]
        if slot == 1 and one.people:
            people = chosen(one.people, self.strength.whole("a_day"), self.rng)
            text = self.rng.choice(list(one.offers)).replace("{contact}", one.contact)
            return [self.send(world, one, "marketing", people, text=text, relation="customers")]
        return []

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Nothing."""
        return []


class Forger(Plot):
    """A shop that makes up forms which people are said to have signed."""

    def enter(self, cast: Cast, population: Population) -> None:
        """A shop."""
        self._population = population
        one = self._make(self.first, _TRADES["商店"], "marketing")
        cast.company(one)

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Nothing."""
        return []

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Bring a list of forms every few days, and write."""
        one, since = self.senders[0], day - self.start
        if slot == 0 and since % 3 == 0 and since // 3 < self.strength.whole("lists"):
            made_up = self._population.numbers(self.strength.whole("people"), 0.03)
            one.people += made_up
            return [world.agree(one, made_up, self.rng, true=False)]
        if slot == 1 and one.people:
            people = chosen(one.people, self.strength.whole("a_day"), self.rng)
            text = self.rng.choice(list(one.offers)).replace("{contact}", one.contact)
            return [self.send(world, one, "marketing", people, text=text, relation="members")]
        return []


class CodeBomber(Plot):
    """Somebody who has many accounts send codes to the same few people, all day."""

    def enter(self, cast: Cast, population: Population) -> None:
        """Sites that log people in."""
        self.targets = population.numbers(self.strength.whole("targets"), 0.0)
        for place in range(self.strength.whole("accounts")):
            one = self._make(self.first + place, _TRADES["网络"], "verification")
            one.people = population.some(30, self.rng)
            cast.company(one)

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Three accounts a minute, to each target."""
        return self.rounds(world, day, slot)

    def rounds(self, world: World, day: int, slot: int) -> Acts:
        """Three others in the next minute."""
        if day < self.start:
            return []
        share = self.strength.whole("codes_a_day") / 9 / 3
        found = Acts()
        for one in self.rng.sample(self.senders, min(3, len(self.senders))):
            people = [each for each in self.targets if self.rng.random() < min(1.0, share * 3)]
            if people:
                found.append(
                    self.send(
                        world, one, "verification", people, template="code",
                        variables=lambda _: {"code": f"{self.rng.randrange(10**6):06d}"},
                    )
                )  # fmt: skip
        return found
