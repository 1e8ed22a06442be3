"""Traffic of a platform that screened for nothing: honest texts, an advert from an internal port,
and one that a variable of a notice carried."""

from __future__ import annotations

import json
import secrets
from typing import Any

from assent.flow.catalogue import Catalogue
from assent.flow.examine import Examining, Scope
from assent.flow.examine_texts import Judgements
from assent.flow.needs import utc
from assent.flow.requests import Receiver, SendRequest
from assent.flow.screen_senders import Senders
from assent.flow.screening import Texts
from assent.numbers import NumberTable
from assent.policy.rulebook import Rulebook
from tests.flow.conftest import Platform, number
from tests.flow.test_evidence import seal
from tests.flow.test_promises import enrol, family
from tests.flow.text_screens import WordScreens

INTERNAL, NOTICE = "10690014", "106900013"
HONEST = "周五下午两点在三楼开例会，请准时参加"
ADVERT = "好消息，加微信abcd1234，百家乐下注"
BAIT = "贷款额度8万回复1"


def document() -> dict[str, Any]:
    """Return a register with an organisation that writes to its members, and a notice whose
    variable may say anything."""
    made = family()
    made["senders"][0]["templates"].append(
        {"name": "hello", "purpose": "notification", "body": "{who:text}，您的包裹已到站。",
         "basis": "order"}
    )  # fmt: skip
    return made


class Planted:
    """The platform and what was sent on it."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform
        self.node = platform.node
        blind = WordScreens("blind")
        blind.rules = ()
        self.node.screening.texts.use(blind)
        self.people = [number("mobile", place) for place in range(6)]

    async def order(self, purpose: str, place: int = 1, **more: Any) -> dict[str, Any]:
        """Send for CODE1 and return the answer."""
        request = SendRequest(sender="CODE1", purpose=purpose, **more)  # type: ignore[arg-type]  # any field
        answer = await self.node.sending.send(
            self.platform.caller(place), request, key=None, sha=secrets.token_bytes(32)
        )
        return dict(json.loads(answer))

    async def plant(self) -> None:
        """Send everything: 12 from the internal port, 6 notices and 2 codes."""
        people, to = self.people, [Receiver(to=one) for one in self.people]
        await enrol(self.platform, people)
        for text, part in ((HONEST, to), (ADVERT, to[:4]), (ADVERT, to[4:])):
            answer = await self.order("internal", 5, text=text, messages=part)
            assert answer["allowed"] == len(part), answer
        names = ["张三", "李四", BAIT, "王五", BAIT, "赵六"]
        put = [Receiver(to=one, variables={"who": name})
               for one, name in zip(people, names, strict=True)]  # fmt: skip
        answer = await self.order("notification", template="hello", messages=put)
        assert answer["allowed"] == 6, answer
        assert (await self.platform.send(people[:2], "verification"))["allowed"] == 2
        await seal(self.platform)

    def scope(self, **more: Any) -> Scope:
        """Return a time with everything in it."""
        now = self.platform.clock.now()
        return Scope(utc(now - 86_400), utc(now + 86_400), **more)

    def examining(self, screens: WordScreens, rulebook: Rulebook | None = None) -> Examining:
        """Return an examination beside the node, which shares nothing of its memory."""
        node, catalogue = self.node, Catalogue()
        texts = Texts(node.store, node.clock, node.vault, Senders(catalogue), None)
        texts.use(screens)
        judgements = Judgements(node.store, catalogue, texts, node.clock.now())
        self.catalogue = catalogue
        return Examining(
            node.store, catalogue, rulebook or node.rulebook, judgements, NumberTable.load()
        )
