"""Customers' software on real sockets, the whole platform behind them, carriers of another dialect
at its end: nothing is lost where they meet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from assent.app.doors import CustomersFile, DoorFile
from assent.carrier.link import Link, LinkSettings
from assent.carrier.listener import ListenSettings
from assent.clock import SystemClock
from assent.text import Alphabet, segment
from assent.wire.kit import Quirks
from tests.carrier.customers_rig import Customer
from tests.flow.conftest import MARKETING_TEXT, PROMPT, Platform, number, numbers, register
from tests.flow.conftest import noon_offset as noon
from tests.flow.installation import free_port

SECRET, NODE = "8u-secre", 3010012345
MARKETING, CODES = "106900011", "106900012"
DIALECTS = ("cmpp", "smpp", "smgp", "sgip")
CODE = "【商户1】您的验证码482913，5分钟内有效。"
EMOJI = "【商户1】" + "夏装上新🎉，" * 12 + "客服电话400-820-1234。拒收请回复R"


class CustomersPlatform(Platform):
    """A platform that serves customers in every dialect."""

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        await super().start(script, seed, links, **link)
        doors = {dialect: DoorFile(port=0, gateway=7) for dialect in DIALECTS}
        self.settings.customers = CustomersFile(**doors)
        self.customer = Customer()
        self.links: list[Link] = []
        self.inbound = free_port()  # where SGIP customers take reports

    def port(self, dialect: str) -> int:
        customers = self.node.customers
        assert customers is not None
        assert customers.server is not None
        return customers.server.ports[dialect]

    async def bind(self, dialect: str, login: str = "login1", **more: Any) -> Link:
        settings: dict[str, Any] = {
            "name": f"customer{len(self.links)}",
            "carrier": "assent",
            "host": "127.0.0.1",
            "port": self.port(dialect),
            "user": login,
            "secret": SECRET,
            "dialect": dialect,
            "quirks": Quirks(node=NODE) if dialect == "sgip" else Quirks(),
            "window": 16,
            "reconnect_base_s": 0.05,
            "reconnect_cap_s": 0.2,
        }
        if dialect == "sgip":
            settings["listen"] = ListenSettings("127.0.0.1", self.inbound, login, SECRET)
        link = Link(
            LinkSettings(**{**settings, **more}),
            self.customer,
            self.customer,
            self.clock,
            Random(3),
        )
        self.links.append(link)
        link.start()
        await self.until(lambda: link.state.value == "bound", f"{dialect} is bound")
        return link

    def submit(self, link: Link, to: str, text: str, source: str = MARKETING) -> int:
        """Submit a text, in parts if it is long; return how many."""
        reference = next(self.customer.tokens)
        parts = segment(text, Alphabet.UCS2, reference=reference % 256)
        form, count = link.kit.form("", source), len(parts)
        person = link.kit.number(86 * 10**11 + int(to))
        for place, part in enumerate(parts, 1):
            body = form.body(person, part, 8, int(count > 1), pk_total=count, pk_number=place)
            self.customer.queue.append((next(self.customer.tokens), body))
        link.kick()
        return len(parts)

    def reports(self) -> list[tuple[int, str]]:
        """(id, stat) of the receipts that arrived."""
        found = []
        for deliver in self.customer.delivers:
            if deliver.is_report:
                report = deliver.report()
                found.append((report.message_id, report.stat))
        return found

    async def stop(self) -> None:
        for link in self.links:
            await link.stop()
        await super().stop()


def document(inbound: int) -> dict[str, Any]:
    found = register(2)
    for place in (0, 1):
        found["accounts"][place]["links"] = [
            {
                "login": f"login{place + 1}"[:6] if dialect == "cmpp" else f"{dialect}{place + 1}",
                "dialects": [dialect],
                "allowed": ["127.0.0.0/8"],
                "secret": SECRET,
                "reports_to": f"127.0.0.1:{inbound}" if dialect == "sgip" else "",
            }
            for dialect in DIALECTS
        ]
    return found


LOGINS = {"cmpp": "login1", "smpp": "smpp1", "smgp": "smgp1", "sgip": "sgip1"}


@asynccontextmanager
async def serving(
    url: str, directory: Path, script: dict[str, Any] | None = None
) -> AsyncIterator[CustomersPlatform]:

    platform = CustomersPlatform(url, directory, SystemClock(noon()))
    await platform.start(script or PROMPT)
    try:
        await platform.file(document(platform.inbound))
        await platform.start_node()
        yield platform
        for link in platform.links:
            await link.stop()
        await platform.node.stop()
    finally:
        await platform.stop()


@pytest.fixture
async def platform(migrated_url: str, tmp_path: Path) -> AsyncIterator[CustomersPlatform]:
    async with serving(migrated_url, tmp_path) as one:
        yield one


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_submits_leave_over_other_carriers_and_receipts_come_back(
    platform: CustomersPlatform, dialect: str
) -> None:
    people = numbers(6)
    await platform.consent(people[:5])
    link = await platform.bind(dialect, LOGINS[dialect])
    counts = [platform.submit(link, person, EMOJI) for person in people]
    assert min(counts) > 1
    total = sum(counts)
    await platform.until(lambda: len(platform.customer.answers) == total, "all are answered")
    assert set(platform.customer.results) == {0}
    await platform.until(lambda: len(platform.reports()) == total, "a receipt for each part")
    ids = {identity for _, _, identity in platform.customer.answers}
    reported = {identity for identity, _ in platform.reports()}
    assert reported == ids
    stats = [stat.strip() for _, stat in platform.reports()]
    assert stats.count("DELIVRD") == sum(counts[:5])
    assert sum(not stat.startswith("DELIVRD") for stat in stats) == counts[5], "no standing"
    sent = platform.submits(MARKETING)
    assert len(sent) == sum(counts[:5]), "the carriers got the text in as many segments"
    text: dict[str, dict[int, str]] = {}
    for record in sent:
        person = record["destination"]
        text.setdefault(person, {})[record["segment"][1]] = record["text"]
    joined = {"".join(parts[place] for place in sorted(parts)) for parts in text.values()}
    assert joined == {EMOJI}


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_code_of_a_template(platform: CustomersPlatform, dialect: str) -> None:
    link = await platform.bind(dialect, LOGINS[dialect])
    assert platform.submit(link, number("mobile", 1), CODE, CODES) == 1
    await platform.until(lambda: len(platform.reports()) == 1, "a receipt")
    assert platform.reports()[0][1].strip() == "DELIVRD"
    assert [record["text"] for record in platform.submits(CODES)] == [CODE]


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_port_of_another_account_is_refused(
    platform: CustomersPlatform, dialect: str
) -> None:
    link = await platform.bind(dialect, LOGINS[dialect])
    platform.submit(link, number("mobile", 1), CODE, "106900022")
    await platform.until(lambda: len(platform.customer.answers) == 1, "an answer")
    assert platform.customer.results[0] != 0
    assert await platform.value("SELECT count(*) FROM submission") == 0


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_receipts_wait_while_the_customer_is_away(
    platform: CustomersPlatform, dialect: str
) -> None:
    people = numbers(5)
    await platform.consent(people)
    platform.customer.acknowledges = None  # it answers no receipt, so they come again
    link = await platform.bind(dialect, LOGINS[dialect])
    for person in people:
        platform.submit(link, person, "【商户1】" + MARKETING_TEXT)
    await platform.until(lambda: len(platform.customer.answers) == 5, "all are answered")
    await link.stop()
    await platform.until(
        lambda: len(platform.submits(MARKETING)) == 5, "sent although the customer is away"
    )

    async def told() -> bool:
        return bool(await platform.value("SELECT count(*) FROM parcel") >= 1)

    await platform.until(told, "receipts wait")
    platform.customer.delivers.clear()
    platform.customer.acknowledges = 0
    await platform.bind(dialect, LOGINS[dialect])

    def all_came() -> bool:
        return len({identity for identity, _ in platform.reports()}) == 5

    await platform.until(all_came, "they come when it is back")

    async def forgotten() -> bool:
        return bool(await platform.value("SELECT count(*) FROM parcel") == 0)

    await platform.until(forgotten, "and are forgotten once acknowledged")


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_replies_are_pushed_refusals_are_not(
    platform: CustomersPlatform, dialect: str
) -> None:
    one, two = number("mobile", 1), number("unicom", 2)
    await platform.consent([one, two])
    link = await platform.bind(dialect, LOGINS[dialect])
    for person in (one, two):
        platform.submit(link, person, "【商户1】" + MARKETING_TEXT)
    await platform.until(lambda: len(platform.reports()) == 2, "receipts")
    platform.simulators["unicom"].send_mo(two, MARKETING, "TD")
    await platform.until(lambda: platform.node.confirmer.sent == 1, "the refusal is confirmed")
    platform.simulators["mobile"].send_mo(one, MARKETING, "明天几点开门？🎉")

    def replies() -> list[Any]:
        return [deliver for deliver in platform.customer.delivers if not deliver.is_report]

    await platform.until(lambda: len(replies()) >= 1, "a reply")
    await asyncio.sleep(0.7)
    (reply,) = replies()
    assert reply.content.decode("utf-16-be") == "明天几点开门？🎉"
    assert reply.destination == MARKETING
    assert reply.source.removeprefix("86") == one


async def test_a_new_register_ends_what_it_no_longer_lets_in(platform: CustomersPlatform) -> None:
    dialect = DIALECTS[0]
    link = await platform.bind(dialect, LOGINS[dialect])
    changed = document(platform.inbound)
    changed["accounts"][0]["links"][0]["active"] = False
    await platform.file(changed)
    await platform.until(lambda: link.state.value != "bound", "it is unbound")
    await platform.until(lambda: link.state.value == "refused", "and not let in again")
