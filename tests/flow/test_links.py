"""Links steered while traffic flows: orders, changed settings, hours, standby. Real sockets, a real
store; what the carriers recorded judges."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import msgspec
import pytest

from assent.app.link_desk import LinkDesk
from assent.app.node import Node
from assent.app.settings import Settings, load
from assent.carrier.records import Recorder
from assent.carrier.script import script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.client import AsyncClient
from assent.clock import SystemClock
from assent.errors import Conflict, InvalidInput, NotAllowed, NotFound
from assent.flow.requests import Caller
from tests.flow.conftest import (
    CARRIERS,
    MARKETING_TEXT,
    PROMPT,
    SECRET,
    Platform,
    noon_offset,
    numbers,
    register,
)
from tests.flow.installation import Installation, kill
from tests.flow.test_dialects import dialects, states

OPERATOR = {
    "name": "operator",
    "kind": "operator",
    "price_micro": 0,
    "keys": [{"name": "duty", "scopes": ["links"]}],
}
SLOW = {"answers": {"latency": 0.05}, "receipts": {"delay": 0.1}}


class Fleet(Platform):
    """A platform whose settings stand in a file that the test rewrites."""

    async def start(
        self, script: dict[str, Any], seed: int = 1, links: int = 2, **link: Any
    ) -> None:
        await super().start(script, seed, links, **link)
        self.file_path = self.directory / "assent.toml"
        self.document: dict[str, Any] = msgspec.to_builtins(self.settings)
        self.write()

    def write(self) -> None:
        """Write the settings as they stand in `document`."""
        lines = [
            f"{name} = {inline(told(self.document[name]))}" for name in ("rulebook", "carriers")
        ]
        self.file_path.write_text("\n".join(lines))

    async def start_node(self) -> Node:
        self.settings = load(self.file_path, {})
        self.node = Node(self.settings, "all", self.url, self.clock, self.file_path)
        await self.node.start()
        self.desk = LinkDesk(self.node)
        await self.until(lambda: all(self.node.traffic.up[c] for c in CARRIERS), "links are up")
        return self.node

    @property
    def operator(self) -> Caller:
        account = self.node.catalogue.operator
        assert account is not None
        return Caller(account.id, frozenset({"links"}), False, 7)

    def link(self, carrier: str, place: int = 0) -> dict[str, Any]:
        return next(c for c in self.document["carriers"] if c["name"] == carrier)["links"][place]

    def states(self, carrier: str) -> list[str]:
        return [link.state.value for link in self.node.pools[carrier].links]

    async def become(self, carrier: str, *states: str) -> None:
        await self.until(lambda: self.states(carrier) == list(states), f"{carrier}: {states}", 20.0)

    async def order(self, name: str, action: Any) -> None:
        await self.desk.steer(self.operator, name, action)

    async def delivered(self, answer: dict[str, Any], count: int) -> None:
        async def so() -> bool:
            found = await self.node.status.submission(self.caller(), int(answer["id"]))
            return bool(found["states"] == {"delivered": count})

        await self.until(so, f"{count} are delivered", 30.0)

    def sent(self) -> Counter[str]:
        return Counter(record["destination"] for record in self.submits())


def told(value: Any) -> Any:
    """A value without what TOML cannot say, which is nothing."""
    if isinstance(value, dict):
        return {name: told(one) for name, one in value.items() if one is not None}
    return [told(one) for one in value] if isinstance(value, list) else value


def inline(value: Any) -> str:
    """A value as TOML writes it within a line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name} = {inline(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


@asynccontextmanager
async def fleet(
    url: str, directory: Path, script: dict[str, Any] | None = None, **link: Any
) -> AsyncIterator[Fleet]:
    one = Fleet(url, directory, SystemClock(noon_offset()))
    await one.start(script or PROMPT, **link)
    try:
        await one.file(register())
        await one.start_node()
        yield one
        await one.node.stop()
    finally:
        await one.stop()


async def another_carrier(one: Fleet, name: str, recorded: str) -> Simulator:
    """A second gateway of a carrier."""
    recorder = Recorder(one.directory / f"carrier-{recorded}.jsonl", one.clock)
    settings = CarrierSettings(name, {"900001": SECRET}, "127.0.0.1", gateway=9)
    simulator = Simulator(settings, script_from(PROMPT), one.clock, 5, recorder)
    await simulator.start()
    one.simulators[recorded], one.recorders[recorded] = simulator, recorder
    return simulator


async def test_a_paused_link_is_bound_and_pulls_nothing(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        people = numbers(30)
        await one.consent(people)
        await one.order("mobile", "pause")
        await one.become("mobile", "paused", "paused")
        answer = await one.send(people)
        await one.until(lambda: len(one.submits()) == 20, "the others are sent")
        await asyncio.sleep(0.3)
        assert {record["carrier"] for record in one.submits()} == {"unicom", "telecom"}
        assert one.simulators["mobile"].counters["accepted"] == 0
        # Nothing is committed for it either: a crash now would leave nothing unsure.
        windows = await one.value(
            "SELECT count(*) FROM attempt_window w JOIN batch b ON b.id = w.batch_id "
            "WHERE b.carrier = 'mobile'"
        )
        assert windows == 0
        await one.order("mobile", "resume")
        await one.delivered(answer, 30)
        assert set(one.sent().values()) == {1}


async def test_reports_go_on_over_a_paused_link(migrated_url: str, tmp_path: Path) -> None:
    script = {"answers": {"latency": 0.001}, "receipts": {"delay": 0.8}}
    async with fleet(migrated_url, tmp_path, script) as one:
        people = numbers(6)
        await one.consent(people)
        answer = await one.send(people)
        await one.until(lambda: len(one.submits()) == 6, "all are sent")
        await one.order("mobile", "pause")
        await one.become("mobile", "paused", "paused")
        await one.delivered(answer, 6)


@pytest.mark.parametrize("more", [0, 60])
async def test_what_was_committed_is_taken_back_when_the_last_link_is_paused(
    migrated_url: str, tmp_path: Path, more: int
) -> None:
    async with fleet(migrated_url, tmp_path, SLOW, window=4) as one:
        people = [number for number in numbers(900) if number.startswith("139")]
        await one.consent(people)
        answer = await one.send(people, text="夏装上新" * more + MARKETING_TEXT)
        parts = answer["segments"] // 300
        assert (parts == 1) is (more == 0)
        await one.until(lambda: len(one.submits()) > 20, "it is under way")
        assert one.node.traffic.pending["mobile"] > 0
        await one.order("mobile-0", "pause")
        await one.become("mobile", "paused", "paused")
        await one.until(lambda: not one.node.traffic.windows, "every window is answered")
        assert one.node.traffic.pending["mobile"] == 0
        so_far = len(one.submits())
        await asyncio.sleep(0.3)
        assert len(one.submits()) == so_far < 300 * parts
        await one.order("mobile-0", "resume")
        await one.delivered(answer, 300)
        assert set(one.sent().values()) == {parts}
        sent = Counter(
            (record["destination"], json.dumps(record["segment"])) for record in one.submits()
        )
        assert set(sent.values()) == {1}


async def test_a_drained_link_stays_down_over_a_restart(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path, SLOW) as one:
        people = numbers(60)
        await one.consent(people)
        answer = await one.send(people)
        await one.until(lambda: len(one.submits()) > 20, "it is under way")
        await one.order("telecom", "drain")
        await one.become("telecom", "closed", "closed")
        assert await one.value("SELECT count(*) FROM unsure_segment") == 0
        await one.node.stop()
        one.settings = load(one.file_path, {})
        one.node = Node(one.settings, "all", one.url, one.clock, one.file_path)
        await one.node.start()
        one.desk = LinkDesk(one.node)
        await one.become("mobile", "bound", "bound")
        assert one.states("telecom") == ["closed", "closed"]
        assert {link.detail for link in one.node.pools["telecom"].links} == {"drained by order"}
        await one.order("telecom", "resume")
        await one.become("telecom", "bound", "bound")
        await one.delivered(answer, 60)
        assert set(one.sent().values()) == {1}


async def test_orders_are_checked_and_written_down(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        with pytest.raises(NotFound) as unknown:
            await one.order("nowhere", "pause")
        assert unknown.value.mend
        for caller in (one.caller(), msgspec.structs.replace(one.operator, sandbox=True)):
            for ask in (one.desk.show(caller), one.desk.reload(caller)):
                with pytest.raises(NotAllowed, match="operator"):
                    await ask
        await one.order("mobile", "drain")
        await one.order("mobile-0", "pause")
        with pytest.raises(Conflict) as over:
            await one.order("mobile-0", "resume")
        assert over.value.mend == "resume mobile"
        shown = (await one.desk.show(one.operator))["links"][0]
        assert (shown["name"], shown["order"]) == ("mobile-0", "drained")
        await one.order("mobile", "resume")
        assert (await one.desk.show(one.operator))["orders"] == {}
        await one.sql("INSERT INTO link_order VALUES ('gone', 'paused', '2026-01-01')")
        await one.order("gone", "resume")  # of a link that the settings no longer have
        assert (await one.desk.show(one.operator))["orders"] == {}
        acts = await one.sql(
            "SELECT key_id, what, subject, before, after FROM staff_act ORDER BY id"
        )
        assert [(act["key_id"], act["what"], act["subject"]) for act in acts] == [
            (7, "links.drain", "mobile"),
            (7, "links.pause", "mobile-0"),
            (7, "links.resume", "mobile"),
            (7, "links.resume", "gone"),
        ]
        assert json.loads(acts[2]["before"]) == {"mobile": "drained", "mobile-0": "paused"}
        assert json.loads(acts[2]["after"]) == {}
        for statement in ("UPDATE staff_act SET key_id = 1", "DELETE FROM staff_act"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await one.sql(statement)


async def test_a_changed_link_is_exchanged_under_traffic(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path, SLOW) as one:
        second = await another_carrier(one, "mobile", "mobile-b")
        people = numbers(900)
        await one.consent(people)
        answer = await one.send(people)
        await one.until(lambda: len(one.submits()) > 100, "it is under way")
        kept = list(one.node.pools["unicom"].links)
        for port, window in ((second.port, 8), (one.ports["mobile"], 20), (second.port, 10)):
            one.link("mobile").update(port=port, window=window)
            one.write()
            changes = await one.desk.reload(one.operator)
            assert changes["changed"] == ["mobile-0"]
            await one.until(
                lambda window=window: (
                    all(
                        link.settings.window == window and link.state.value == "bound"
                        for link in one.node.pools["mobile"].links
                    )
                    and not one.node.pools["mobile"]._leaving
                ),
                "the exchange",
            )

        async def all_taken() -> bool:  # a gateway that nobody is bound to keeps its reports
            found = await one.node.status.submission(one.caller(), int(answer["id"]))
            return sum(found["states"].get(word, 0) for word in ("accepted", "delivered")) == 900

        await one.until(all_taken, "all are taken")
        assert set(one.sent().values()) == {1}
        assert one.node.pools["unicom"].links == kept
        assert second.counters["accepted"] > 0
        assert await one.value("SELECT count(*) FROM unsure_segment") == 0
        health = one.node.pools["mobile"].health()
        assert sum(link["submitted"] for link in health) == 300
        assert sum(link["lost"] for link in health) == 0


async def test_another_secret_in_the_same_file_is_a_change(
    migrated_url: str, tmp_path: Path
) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        assert (await one.desk.reload(one.operator))["changed"] == []
        before = one.node.pools["mobile"].links
        other = tmp_path / "other"
        other.write_text(SECRET)
        one.link("mobile")["secret_file"] = str(other)  # another file, the same secret
        one.write()
        assert (await one.desk.reload(one.operator))["changed"] == ["mobile-0"]
        await asyncio.sleep(0.3)
        assert one.node.pools["mobile"].links == before  # nothing to exchange
        one.simulators["mobile"].accounts["900001"].secret = "renewed"
        other.write_text("renewed")
        assert (await one.desk.reload(one.operator))["changed"] == ["mobile-0"]
        await one.until(
            lambda: (
                {link.settings.secret for link in one.node.pools["mobile"].links} == {"renewed"}
                and one.states("mobile") == ["bound", "bound"]
            ),
            "it binds with the new secret",
        )
        secrets_told = await one.value(
            "SELECT count(*) FROM staff_act t WHERE t::text LIKE '%renewed%'"
        )
        assert secrets_told == 0


async def test_a_carrier_and_a_link_come_and_go(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        telecom = one.document["carriers"].pop()
        one.link("mobile")["name"] = "mobile-0"
        one.document["carriers"][0]["links"].append(
            {**one.link("mobile"), "name": "second", "bulk": 1}
        )
        one.write()
        changes = await one.desk.reload(one.operator)
        assert (changes["added"], changes["removed"]) == (["second"], ["telecom-0"])
        await one.become("mobile", "bound", "bound", "bound")
        await one.become("telecom")
        await one.until(lambda: not one.simulators["telecom"].connections, "it is unbound")
        people = numbers(6)
        await one.consent(people)
        answer = await one.send(people)
        assert answer["reasons"] == {"no_route": 2}
        one.document["carriers"].append(telecom)
        one.write()
        await one.desk.reload(one.operator)
        await one.become("telecom", "bound", "bound")
        again = await one.send(people[2:3])
        await one.delivered(again, 1)
        await one.delivered(answer, 4)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"secret_file": "/nowhere"}, "carriers.mobile.links.secret_file"),
        ({"schedule": ["8-21"]}, "carriers.mobile.links.schedule"),
        ({"dialect": "ucp"}, "carriers.mobile.links.dialect"),
        ({"weight": 0}, "carriers.mobile.links.weight"),
        ({"name": "unicom"}, "carriers.mobile.links.name"),
        ({"colour": "red"}, "config"),
    ],
)
async def test_a_bad_file_is_refused_and_changes_nothing(
    migrated_url: str, tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        before = [list(pool.links) for pool in one.node.pools.values()]
        one.link("mobile").update(change)
        one.write()
        with pytest.raises(InvalidInput) as caught:
            await one.desk.reload(one.operator)
        assert caught.value.field == field
        assert caught.value.mend
        await asyncio.sleep(0.1)
        assert [list(pool.links) for pool in one.node.pools.values()] == before
        assert await one.value("SELECT count(*) FROM staff_act") == 0


async def test_a_file_that_changes_after_it_was_checked_is_not_followed(
    migrated_url: str, tmp_path: Path
) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        one.link("mobile")["window"] = 8
        one.write()
        follow = one.node.fleet._reread

        async def late(wanted: str) -> None:
            one.link("mobile")["window"] = 9
            one.write()
            await follow(wanted)

        one.node.fleet._reread = late  # type: ignore[method-assign]  # the moment between
        await one.desk.reload(one.operator)
        await one.until(lambda: one.node.fleet.fault == "settings_changed", "it is told")
        assert {link.settings.window for link in one.node.pools["mobile"].links} == {16}
        one.node.fleet._reread = follow  # type: ignore[method-assign]
        await one.desk.reload(one.operator)
        await one.until(lambda: one.node.fleet.fault == "", "it is followed")
        assert {link.settings.window for link in one.node.pools["mobile"].links} == {9}


async def test_hours_unbind_a_link_and_bind_it_again(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path) as one:  # its clock says about ten in the morning
        one.link("mobile")["schedule"] = ["21:00-06:00"]
        one.link("unicom")["schedule"] = ["08:00-21:00", "22:00-23:00"]
        one.write()
        await one.desk.reload(one.operator)
        await one.become("mobile", "closed", "closed")
        assert one.node.pools["mobile"].links[0].detail == "out of its hours"
        assert one.states("unicom") == ["bound", "bound"]
        one.clock._offset_ns += 12 * 3600 * 10**9
        await one.become("mobile", "bound", "bound")
        await one.become("unicom", "bound", "bound")
        one.clock._offset_ns += 8 * 3600 * 10**9
        await one.become("mobile", "closed", "closed")
        await one.become("unicom", "closed", "closed")


async def test_a_standby_link_carries_while_no_other_can(migrated_url: str, tmp_path: Path) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        spare = await another_carrier(one, "mobile", "mobile-b")
        one.link("mobile")["name"] = "first"
        one.document["carriers"][0]["links"].append(
            {**one.link("mobile"), "name": "spare", "bulk": 1, "port": spare.port, "standby": True}
        )
        one.write()
        await one.desk.reload(one.operator)
        await one.become("mobile", "bound", "bound", "standby")
        people = numbers(90)
        await one.consent(people)
        await one.delivered(await one.send(people[:30]), 30)
        assert spare.counters["accepted"] == 0
        await one.order("first", "drain")
        await one.become("mobile", "closed", "closed", "bound")
        await one.delivered(await one.send(people[30:60]), 30)
        assert spare.counters["accepted"] == 10
        await one.order("first", "resume")
        await one.become("mobile", "bound", "bound", "standby")
        await one.delivered(await one.send(people[60:]), 30)
        assert spare.counters["accepted"] == 10
        assert set(one.sent().values()) == {1}


async def test_nothing_is_lost_or_sent_twice_in_a_storm_of_orders(
    migrated_url: str, tmp_path: Path
) -> None:
    """Links are paused, drained, resumed, changed, added, removed and cut at random."""
    draw = Random(20261122)
    script = {"answers": {"latency": {"uniform": [0.001, 0.05]}}, "receipts": {"delay": 0.05}}
    async with fleet(migrated_url, tmp_path, script, window=6) as one:
        people = numbers(1800)
        await one.consent(people)
        answers = [await one.send(people[at : at + 300]) for at in range(0, 1800, 300)]
        steps = ["pause", "drain", "resume", "resume", "window", "second", "cut"]
        for _ in range(50):
            carrier = draw.choice(list(CARRIERS))
            step = draw.choice(steps)
            links = next(c for c in one.document["carriers"] if c["name"] == carrier)["links"]
            if step in ("pause", "drain", "resume"):
                await one.order(carrier, step)
            elif step == "cut":
                one.simulators[carrier].disconnect()
            else:
                if step == "window":
                    links[0]["window"] = draw.randint(2, 9)
                elif len(links) > 1:
                    links.pop()
                else:
                    links.append({**links[0], "name": f"{carrier}-spare", "weight": 3, "bulk": 1})
                one.write()
                await one.desk.reload(one.operator)
            await asyncio.sleep(draw.uniform(0.0, 0.12))
        for carrier in CARRIERS:
            await one.order(carrier, "resume")

        async def settled() -> bool:
            states: Counter[str] = Counter()
            for answer in answers:
                found = await one.node.status.submission(one.caller(), int(answer["id"]))
                states.update(found["states"])
            return states["delivered"] + states["unsure"] == 1800

        await one.until(settled, "every message ended", 60.0)
        sent = one.sent()
        assert set(sent.values()) == {1}
        unsure = await one.value("SELECT count(*) FROM unsure_segment")
        assert 1800 - unsure <= len(sent) <= 1800
        for pool in one.node.pools.values():
            assert not pool._coming
            total: Counter[str] = Counter()
            for link in pool.health():
                for name in ("submitted", "answered", "lost", "in_flight"):
                    total[name] += link[name]
            assert total["submitted"] == total["answered"] + total["lost"]
        assert not one.node.traffic.windows
        assert not any(one.node.traffic.pending.values())


async def test_every_process_follows(engine_root: Path, tmp_path: Path) -> None:
    one = Installation(engine_root / f"links-{tmp_path.name[-24:]}", tmp_path)
    try:
        await one.prepare(PROMPT, None, 1)
        async with one.engine():
            await one.file({"accounts": [OPERATOR]})
            made = await one.value("SELECT count(*) FROM api_key WHERE scopes = '{links}'")
            assert made == 1
            await one.sql(
                "UPDATE api_key SET digest = sha256('ak_duty'::bytea) WHERE scopes = '{links}'"
            )
        await one.serve()
        url = f"http://127.0.0.1:{one.http}"
        async with AsyncClient(url, "ak_duty") as duty, one.client() as customer:
            with pytest.raises(NotAllowed, match="links"):
                await customer.links()
            await one.until(one.is_up, "it is up", 60.0)

            async def shown(name: str, wanted: dict[str, dict[str, int]]) -> bool:
                answer = await duty.links()
                link = next(link for link in answer["links"] if link["name"] == name)
                found: dict[str, Counter[str]] = {}
                for part in link["connections"]:
                    found.setdefault(part["role"], Counter())[part["state"]] += 1
                return found == wanted

            await duty.steer_link("mobile", "pause")
            both = {"front": {"paused": 1}, "bulk": {"paused": 1}}
            await one.until(lambda: shown("mobile-0", both), "both pause it")
            before = one.config.read_text("utf-8")
            one.config.write_text(before.replace("front = 1\nbulk = 1", "front = 2\nbulk = 3"))
            assert (await duty.reload_links())["changed"] == ["mobile-0", "telecom-0", "unicom-0"]
            many = {"front": {"paused": 2}, "bulk": {"paused": 3}}
            await one.until(lambda: shown("mobile-0", many), "both have more")
            many = {"front": {"bound": 2}, "bulk": {"bound": 3}}
            await one.until(lambda: shown("telecom-0", many), "both have more")
            one.config.write_text(before.replace("front = 1", "front = one"))
            with pytest.raises(InvalidInput) as caught:
                await duty.reload_links()
            assert caught.value.field == "config"
            assert caught.value.mend
            await duty.steer_link("mobile", "resume")
            await one.until(lambda: shown("mobile-0", many), "both resume it")
            # A process that dies comes back with what is ordered; meanwhile the file is mended.
            await duty.steer_link("unicom", "drain")
            one.config.write_text(before)
            kill(one.children()["bulk"])
            gone = {"front": {"closed": 2}, "bulk": {"closed": 1}}
            await one.until(lambda: shown("unicom-0", gone), "it is drained still", 60.0)
            answer = await duty.links()
            assert len({process["settings"] for process in answer["processes"]}) == 2
            assert (await duty.reload_links())["needs_restart"] == []
            few = {"front": {"bound": 1}, "bulk": {"bound": 1}}
            await one.until(lambda: shown("mobile-0", few), "all follow the same again")

            async def alike() -> bool:
                told = (await duty.links())["processes"]
                return len({process["settings"] for process in told}) == 1

            await one.until(alike, "the process without links says so, too")
        assert await one.terminate() == 0
    finally:
        await one.end()


async def test_links_of_every_dialect_are_exchanged(migrated_url: str, tmp_path: Path) -> None:
    async with dialects(migrated_url, tmp_path, SLOW) as one:
        people = numbers(600)
        await one.consent(people)
        answer = await one.send(people)
        await one.until(lambda: len(one.submits()) > 60, "it is under way")
        document = msgspec.to_builtins(one.settings)
        for carrier in document["carriers"]:
            carrier["links"][0]["window"] = 9
        one.node.fleet.adopt(msgspec.convert(document, Settings))

        def exchanged() -> bool:
            pools = one.node.pools.values()
            windows = {link.settings.window for pool in pools for link in pool.links}
            return windows == {9} and not any(pool._leaving for pool in pools)

        await one.until(exchanged, "all are exchanged")
        listener = one.node.pools["unicom"].links[0].listener
        assert listener is not None
        await one.until(lambda: listener.port != 0, "the new link listens")
        await one.until(states(one, answer, {"delivered": 600}), "all are delivered", 30.0)
        sent = Counter(record["destination"].removeprefix("86") for record in one.submits())
        assert set(sent.values()) == {1}
        assert len(sent) == 600


async def test_new_messages_go_over_the_fallback_where_the_sender_has_a_port(
    migrated_url: str, tmp_path: Path
) -> None:
    async with fleet(migrated_url, tmp_path) as one:
        one.document["carriers"][2].update(fallback="mobile", fallback_after_s=0.5)
        one.write()
        await one.desk.reload(one.operator)
        await one.sql("DELETE FROM port WHERE carrier = 'mobile' AND number LIKE '10690002%'")
        await one.sql("SELECT pg_notify('catalogue', '')")
        people = [person for person in numbers(60) if person.startswith("133")]
        await one.consent(people)
        await one.consent(people, place=2)
        await one.order("telecom", "pause")  # bound still: no absence
        await one.become("telecom", "paused", "paused")
        await asyncio.sleep(1.7)
        early = await one.send(people[:5])
        assert one.node.fleet.detours == {}
        await one.simulators["telecom"].stop()
        await one.until(lambda: one.node.fleet.detours == {"telecom": "mobile"}, "it is away")
        late = await one.send(people[5:10])
        await one.delivered(late, 5)
        other = await one.send(people[10:15], place=2)  # has no port at the fallback
        assert other["allowed"] == 5
        await asyncio.sleep(0.5)
        assert {record["carrier"] for record in one.submits()} == {"mobile"}
        assert set(one.sent()) == set(people[5:10])
        await one.order("mobile", "drain")
        await one.until(lambda: one.node.fleet.detours == {}, "the fallback is away itself")
        carriers = await one.sql("SELECT carrier, sum(n) AS n FROM batch GROUP BY carrier")
        assert {row["carrier"]: row["n"] for row in carriers} == {"telecom": 10, "mobile": 5}
        assert early["allowed"] == 5


@pytest.mark.parametrize(
    "change", [{"fallback": "nobody"}, {"fallback": "mobile"}, {"fallback_after_s": 0.0}]
)
async def test_a_fallback_is_another_carrier(tmp_path: Path, change: dict[str, Any]) -> None:
    path = tmp_path / "assent.toml"
    carrier = {"name": "mobile", "networks": ["mobile"], "links": [], **change}
    path.write_text(f"carriers = {inline([carrier])}")
    with pytest.raises(InvalidInput) as caught:
        load(path, {})
    assert caught.value.field == f"carriers.mobile.{next(iter(change))}"
    assert caught.value.mend
