"""Villains who have real customers, papers or members, and misuse their ports."""

from __future__ import annotations

from typing import Final

from assent.quarter.cast import Trade
from assent.quarter.honest import ordinary
from assent.quarter.plot import Acts, Plot
from assent.quarter.population import Population, chosen
from assent.quarter.register import Cast
from assent.quarter.world import World

_LENDER: Final = Trade("small_loan", "小贷", 0, (), ("{a}，{b}。",))
_ASSOCIATION: Final = Trade("association", "协会", 0)
_BANK: Final = Trade("bank", "银行", 0, (), ("您尾号{a}的信用卡本期账单已出，{b}。",))


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
