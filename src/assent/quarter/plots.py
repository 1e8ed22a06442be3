"""What villains do: ordinary business until their day comes, then what they are there for.

They use the same doors as honest senders, and go on trying to the end of the quarter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Sequence
from random import Random
from typing import Any, Final

from assent.quarter.cast import TRADES, Sender, Trade, sender
from assent.quarter.honest import ordinary
from assent.quarter.population import Population, chosen
from assent.quarter.receivers import Mood, Receivers
from assent.quarter.register import Cast
from assent.quarter.villains import Strength
from assent.quarter.world import World

Acts = list[Awaitable[Any]]
_TRADES: Final = {trade.word: trade for trade in TRADES}
_LENDER: Final = Trade("small_loan", "小贷", 0, (), ("{a}，{b}。",))
_ASSOCIATION: Final = Trade("association", "协会", 0)
_BANK: Final = Trade("bank", "银行", 0, (), ("您尾号{a}的信用卡本期账单已出，{b}。",))


class Plot(ABC):
    """One villain. `senders`: in whose names it writes; `codes`: accounts it acts by."""

    def __init__(self, strength: Strength, first: int, seed: int) -> None:
        """`first`: the first place of senders that is free for it."""
        self.strength = strength
        self.kind = strength.kind
        self.start = strength.whole("start_day")
        self.rng = Random(f"quarter-{seed}-{strength.kind}-acts")
        self.first = first
        self.senders: list[Sender] = []
        self.tried = 0

    @abstractmethod
    def enter(self, cast: Cast, population: Population) -> None:
        """Be admitted: file what a register needs, and choose people."""

    @abstractmethod
    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done at a time, from its day on."""

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done before: a little business, as others do."""
        found: Acts = []
        for one in self.senders:
            if slot == one.place % 3 and (day + one.place) % 3 == 0 and one.people:
                purposes = [each for each in one.ports if each != "internal"]
                people = chosen(one.people, 6, self.rng)
                if purposes:
                    purpose = self.rng.choice(purposes)
                    found.append(ordinary(world, one, purpose, people, self.rng))
        return found

    def consents(self, world: World) -> Acts:
        """Bring what stands before the first day."""
        return []

    def rounds(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done again some minutes later."""
        return []

    def turn(self, receivers: Receivers) -> None:
        """From now on people feel what it does."""
        mood = Mood(
            self.strength.drawn.get("refusal_share", 0.0), self.strength.share("complaint_share")
        )
        for one in self.senders:
            for number in one.ports.values():
                receivers.moods[number] = mood

    def acts(self, world: World, day: int, slot: int) -> Acts:
        """Return what is done at a time."""
        if day < self.start:
            return self.ordinary(world, day, slot)
        if day == self.start and slot == 0:
            self.turn(world.receivers)
        return self.villainy(world, day, slot)

    async def send(self, world: World, one: Sender, purpose: str, *args: Any, **more: Any) -> None:
        """Order, and count that it was tried."""
        self.tried += len(args[0])
        await world.send(one, purpose, *args, **more)

    def _make(self, place: int, trade: Trade, *purposes: str) -> Sender:
        made = sender(place, trade, purposes, self.rng)
        made.villain = self.kind
        self.senders.append(made)
        return made


class Bank(Plot):
    """A bank that asked its customers properly, and goes on writing to those who refused: by
    advertisements in its notices, by orders to its whole list, by asking them again."""

    _BESIDE: Final = (
        "账单可分期，首期零利率，详询客服",
        "28日前可办理分期",
        "本期积分可兑换超市券",
    )

    def enter(self, cast: Cast, population: Population) -> None:
        """One bank with customers of its own."""
        one = self._make(self.first, _BANK, "marketing", "notification")
        one.offers = ("信用卡客户本月消费满额可领超市券，详询客服{contact}",)
        one.people = population.numbers(self.strength.whole("people"), 0.0)
        cast.company(one)

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Ask customers, a part each day, and bill them."""
        one, found = self.senders[0], Acts()
        part = (len(one.people) + 11) // 12
        if day < 12 and slot == 0:
            world.receivers.agreed |= {(one.legal_name, each) for each in one.people}
            found += [self._ask(world, each) for each in one.people[day * part : (day + 1) * part]]
        if day % 2 and slot == 1:
            people = chosen(one.people, 20, self.rng)
            found.append(ordinary(world, one, "notification", people, self.rng))
        return found

    async def _ask(self, world: World, person: str) -> None:
        one = self.senders[0]
        client = world.client(one.account)
        session = await world.tried(
            client.begin_consent_session(sender=one.code, programme="news"), "session"
        )
        if session is not None:
            asking = client.ask_consent(
                person, sender=one.code, programme="news", session=session["session"]
            )
            await world.tried(asking, "ask")

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Write to everybody, whoever refused."""
        one, found = self.senders[0], Acts()
        if slot == 0 and day % 3 == 0:
            found.append(self.send(world, one, "marketing", one.people, template="offer0"))
        if slot == 1:
            refused = sorted(world.receivers.refused[one.code])
            again = chosen(
                refused, round(len(refused) * self.strength.share("again_share")), self.rng
            )
            others = chosen(one.people, self.strength.whole("a_day"), self.rng)
            people = list(dict.fromkeys([*again, *others]))[: self.strength.whole("a_day")]
            found.append(
                self.send(
                    world, one, "notification", people, template="notice0",
                    variables=lambda _: {
                        "a": f"{self.rng.randrange(10**4):04d}",
                        "b": self.rng.choice(self._BESIDE),
                    },
                )
            )  # fmt: skip
        if slot == 2:
            refused = sorted(world.receivers.refused[one.code])
            found += [self._ask(world, each) for each in chosen(refused, 5, self.rng)]
        return found


class LoanAgent(Plot):
    """An agent with letters of small-loan companies whose licences it borrowed: it brings loans to
    people as notices of applications that nobody made."""

    _VEILED: Final = (
        ("您的预审已完成", "今日可办理放款手续，请保持电话畅通"),
        ("您的申请进度已更新", "资金方案已生成，请留意客户经理来电"),
        ("您的资料已审核通过", "客户经理将与您联系"),
    )

    def enter(self, cast: Cast, population: Population) -> None:
        """An agent, and the companies whose papers it has."""
        for place in range(self.strength.whole("senders")):
            one = self._make(self.first + place, _LENDER, "notification")
            one.account = f"agent{self.first}"
            one.people = population.numbers(self.strength.whole("people"), 0.05)
        code = f"91330108MA2{self.first:06d}Z"
        cast.agent(f"agent{self.first}", code, "远信信息服务有限公司", self.senders)

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Remind borrowers of repayments."""
        return [
            self.send(
                world, one, "notification", chosen(one.people, 5, self.rng), template="notice0",
                variables=lambda _: {"a": "您本期还款已到账", "b": "感谢您的信任"},
            )
            for one in self.senders
            if slot == one.place % 3 and (day + one.place) % 4 == 0
        ]  # fmt: skip

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Each company's port, one a third of the day."""
        found = Acts()
        for one in self.senders:
            if one.place % 3 != slot:
                continue
            overt = self.rng.random() < self.strength.share("overt_share")
            offer = (
                ("周转不求人", "最高可借20万，日息低至万三，当天到账")
                if overt
                else self.rng.choice(self._VEILED)
            )
            people = chosen(one.people, self.strength.whole("a_day"), self.rng)
            made = dict(zip(("a", "b"), offer, strict=True))
            found.append(
                self.send(
                    world, one, "notification", people, template="notice0",
                    variables=lambda _, made=made: made,
                )
            )  # fmt: skip
        return found


class InternalPort(Plot):
    """An association that writes to its members, and then sells that port to advertisers."""

    _NEWS: Final = (
        "各位成员，本周例会改到周四下午两点，请准时参加。",
        "各位成员，秘书处周五上午盘点资料，暂停接待。",
        "各位成员，年度登记表请于月底前交回秘书处。",
    )
    _OFFERS: Final = (
        "各位成员，协会合作商家新楼盘开放参观，报名请联系李经理。",
        "各位成员，合作商家新车试驾周末举行，报名请联系陈经理。",
    )

    def enter(self, cast: Cast, population: Population) -> None:
        """An organisation with members."""
        one = self._make(self.first, _ASSOCIATION, "internal")
        one.organisation = True
        one.people = population.numbers(self.strength.whole("people"), 0.0)
        cast.company(one)

    def ordinary(self, world: World, day: int, slot: int) -> Acts:
        """Invite members in the first days, then tell them news."""
        one = self.senders[0]
        if day == 0 and slot == 0:
            world.receivers.agreed |= {(one.legal_name, each) for each in one.people}
            client = world.client(one.account)
            return [world.tried(client.invite_members(one.people, sender=one.code), "invite")]
        if day % 2 and slot == 1:
            people = chosen(one.people, 25, self.rng)
            text = self.rng.choice(self._NEWS)
            return [self.send(world, one, "internal", people, text=text, relation="members")]
        return []

    def villainy(self, world: World, day: int, slot: int) -> Acts:
        """Advertise to everybody."""
        if slot == 2:
            return []
        one = self.senders[0]
        people = chosen(one.people, self.strength.whole("a_day"), self.rng)
        text = self.rng.choice(self._OFFERS)
        return [self.send(world, one, "internal", people, text=text, relation="members")]


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


PLOTS: Final[dict[str, type[Plot]]] = {
    "bank_ignoring_refusals": Bank,
    "loan_agent": LoanAgent,
    "internal_port": InternalPort,
    "coordinated_group": Group,
    "list_buyer": ListBuyer,
    "consent_forger": Forger,
    "code_bomber": CodeBomber,
}

_ROOM: Final = 100
"""Places of senders that are kept for each villain."""


def plots(strengths: Sequence[Strength], first: int, seed: int) -> list[Plot]:
    """Return the villains of a quarter, with places from `first` on."""
    return [
        PLOTS[one.kind](one, first + _ROOM * place, seed) for place, one in enumerate(strengths)
    ]
