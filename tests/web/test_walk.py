"""One walk with commands only: from a platform that knows nobody but its operator, to a message at
the carrier and the proof that its money is right. docs/first-customer.md is the same walk: its
files are used here, and everything that it has people type is typed."""

from __future__ import annotations

import asyncio
import base64
import email
import email.policy
import json
import re
import shlex
import tomllib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from assent.app.http import serve
from assent.app.mail import MailFile
from assent.app.main import app
from assent.app.settings import PaymentFile, Settings
from assent.clock import SystemClock
from assent.flow import second_factor
from assent.flow.pricing import spending_day
from tests.flow.conftest import CARRIERS, PROMPT, Platform, noon_offset
from tests.flow.front_site import pdf

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "first-customer.md").read_text("utf-8")
SHOP = "91310106000000123Q"
NAME = "春风百货有限公司"
LISTED = "02161230001"
OWNER = "li@shop.example"
PASSWORD = "correct horse battery nail"
STAFF = {
    "root": "administrator", "first": "reviewer", "second": "second_reviewer",
    "till": "finance", "auditor": "auditor",
}  # fmt: skip
PAPERS = (
    "business_licence", "legal_person_identity", "responsible_person_identity",
    "applicant_identity", "commitment_letter",
)  # fmt: skip
CODE_NUMBER = "10691234"
PAID = 100_000_000  # micro-yuan
TO = "13900000007"
ON_ALL = [word for name in CARRIERS for word in ("--carrier", name)]
SEND = (
    "send", "--sender", SHOP, "--purpose", "notification", "--template", "shipped", "--to", TO,
    "--var", "order=A1001",
)  # fmt: skip


Shape = tuple[str, str, frozenset[str]]
"""Who typed which command with which options."""


def shape(who: str, words: Sequence[str]) -> Shape:
    """Return what there is to a command without what it is about."""
    path: list[str] = []
    level: Any = typer.main.get_command(app)
    for word in words:
        level = getattr(level, "commands", {}).get(word)
        if level is None:
            break
        path.append(word)
    options = {word for word in words if word.startswith("--")} - {"--json", "--config"}
    return who, " ".join(path), frozenset(options)


def typed_on_the_page() -> Iterator[Shape]:
    """Yield what the page has people type, but what starts the processes."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            if "assent " not in line:
                continue
            words = shlex.split(line.removeprefix("$ "), comments=True)
            before = words[: words.index("assent")]
            command = words[len(before) + 1 :]
            if command[0] not in ("serve", "simulate"):
                yield shape(before[1] if before else "machine", command)


def page_file(name: str, page: str = PAGE) -> str:
    """Return the file of that name that the page shows."""
    found = re.search(rf"`{re.escape(name)}`[^`]*(?:`CODE`[^`]*)?```\w+\n(.*?)```", page, re.DOTALL)
    assert found is not None, name
    return found[1]


@dataclass
class Walk:
    """The platform and the terminals of those who walk: each has a home of its own, in which the
    command line keeps who logged in there."""

    platform: Platform
    directory: Path
    url: str = ""
    typed_so_far: set[Shape] = field(default_factory=set)

    async def typed(self, who: str, *words: str | Path, given: str = "") -> Result:
        """Run a command at somebody's terminal."""
        self.typed_so_far.add(shape(who, [str(one) for one in words]))
        runner = CliRunner(
            env={
                "ASSENT_URL": self.url, "ASSENT_KEY": None, "COLUMNS": "200",
                "XDG_CONFIG_HOME": str(self.directory / who),
                "ASSENT_DATABASE_URL": self.platform.url,
                "ASSENT_CLOCK_OFFSET": str(self.platform.clock.offset_s),
            }
        )  # fmt: skip
        return await asyncio.to_thread(runner.invoke, app, [str(one) for one in words], input=given)

    async def at_the_machine(self, *words: str | Path) -> dict[str, Any]:
        """Run a command of who runs the machine."""
        done = await self.typed("machine", *words)
        assert done.exit_code == 0, (words, done.output, done.exception)
        return dict(json.loads(done.stdout))

    async def run(self, who: str, *words: str | Path, given: str = "", code: int = 0) -> Any:
        """Return what a command answers."""
        done = await self.typed(who, *words, "--json", given=given)
        assert done.exit_code == code, (who, words, done.output, done.exception)
        return json.loads(done.stdout)

    async def refused(self, code: str) -> None:
        """Order the message until every process knows how things stand: it is refused all the time,
        and then for this reason."""
        told: list[str] = []
        for _ in range(100):
            done = await self.typed("owner", *SEND, "--json")
            assert done.exit_code != 0, done.output
            answer = json.loads(done.stdout)
            (why,) = answer["reasons"] if "reasons" in answer else (answer["error"]["code"],)
            told.append(why)
            if why == code:
                return
            await asyncio.sleep(0.05)
        pytest.fail(f"refused for {sorted(set(told))}, not for {code}")

    async def decide(self, kind: str, by: str = "first") -> None:
        """Approve the one thing of a kind that lies on the desk."""
        (item,) = (await self.run(by, "review", "list", "--kind", kind))["items"]
        words = ("review", "decide", item["id"], "approve", "--code", "in_order")
        assert (await self.run(by, *words))["state"] == "approved"

    def file(self, name: str, content: str | bytes) -> Path:
        path = self.directory / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def mailed(self, address: str) -> str:
        """Wait for the mail to an address; return the token in it."""
        found: list[str] = []

        def there() -> bool:
            for path in (self.directory / "mail").glob("*.eml"):
                mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if mail["To"] == address:
                    found.extend(re.findall(r"^ {4}(\w+)\s*$", mail.get_content(), re.MULTILINE))
            return bool(found)

        await self.platform.until(there, f"mail to {address}")
        return found[0]


@asynccontextmanager
async def platform_of_nobody(url: str, directory: Path) -> AsyncIterator[Walk]:
    """Start a platform that knows its carriers and its own papers, and nobody else."""
    platform = Platform(url, directory, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    walk = Walk(platform, directory)
    try:
        settings = platform.settings
        settings.mail = MailFile(directory=str(directory / "mail"), sender="no@platform.example")
        settings.payments = [PaymentFile(name="bank", account="CN001")]
        settings.http = msgspec.structs.replace(settings.http, port=0)
        register = walk.file("operator.toml", page_file("operator.toml"))
        assert (await walk.at_the_machine("setup", register))["accounts"] == 1
        node = await platform.start_node()
        server = await serve(node)
        walk.url = f"http://127.0.0.1:{server.port}"
        try:
            yield walk
        finally:
            await server.stop()
            await node.stop()
    finally:
        await platform.stop()


# The steps ---------------------------------------------------------------------------------------


async def staff_come(walk: Walk) -> None:
    """The first administrator is made at the machine and invites the others; all have a second
    factor."""
    token = (await walk.at_the_machine("staff", "add", "root@platform.example", "--role",
                                       "administrator"))["token"]  # fmt: skip
    for who, role in STAFF.items():
        address = f"{who}@platform.example"
        if who != "root":
            await walk.run("root", "account", "team", "invite", address, "--role", role)
            token = await walk.mailed(address)
        mine = f"{PASSWORD} {who}"
        await walk.run(who, "account", "accept", "--name", who, given=f"{token}\n{mine}\n")
        await walk.run(who, "account", "login", address, given=f"{mine}\n")
        secret = base64.b32decode((await walk.run(who, "account", "totp", "on"))["secret"])
        step = int(walk.platform.clock.now() // second_factor.STEP_S)
        code = second_factor.code_at(secret, step)
        await walk.run(who, "account", "totp", "confirm", given=f"{code}\n")


async def customer_signs_up(walk: Walk) -> None:
    """Sign up, prove the address, log in."""
    await walk.run(
        "owner", "account", "sign-up", OWNER, "--name", "李雷", "--credit-code", SHOP,
        "--legal-name", NAME, "--industry", "retail", given=f"{PASSWORD}\n",
    )  # fmt: skip
    token = await walk.mailed(OWNER)
    await walk.run("owner", "account", "confirm", given=f"{token}\n{PASSWORD}\n")
    await walk.run("owner", "account", "login", OWNER, given=f"{PASSWORD}\n")


async def customer_applies(walk: Walk) -> Path:
    """Apply; return the file that says who applies."""
    example = re.search(
        r"```json\n(.*?)```", (DOCS / "front-door.md").read_text("utf-8"), re.DOTALL
    )
    assert example is not None
    file = walk.file("shop.json", example[1])
    told = await walk.run("owner", "account", "apply", file)
    assert len(told["entity"]["lacks"]) == len(PAPERS)
    return file


async def papers_are_seen(walk: Walk) -> None:
    """Every paper is handed in, seen in its way, and taken."""
    register = walk.file("register.csv", page_file("register.csv"))
    await walk.run(
        "first", "register", "import", register, "--kind", "business", "--source", "公示系统",
        "--dated", "2026-11-20",
    )  # fmt: skip
    desk = ("--by", "王芳", "--where", "柜台")
    ways: dict[str, tuple[str, ...]] = {
        "business_licence": ("see", "--way", "register"),
        "commitment_letter": ("call-back", "--number", LISTED, "--by", "王芳", "--confirmed"),
    }
    for kind in PAPERS:
        words = ("document", "add", kind, walk.file(f"{kind}.pdf", pdf(kind)))
        told = await walk.run("owner", *words, "--holder", NAME)
        command, *options = ways.get(kind, ("see", "--way", "paper", *desk))
        look = await walk.run("first", "review", command, told["id"], *options)
        assert look["result"] == "yes", kind
        await walk.decide("document")


async def account_is_admitted(walk: Walk) -> None:
    """A question, an answer, a person matched, and the decision."""
    (item,) = (await walk.run("first", "review", "list", "--kind", "account"))["items"]
    await walk.run("first", "review", "ask", item["id"], "主要客户是谁？")
    asked = (await walk.run("owner", "account", "show"))["items"]
    assert ("account", "asked") in {(one["kind"], one["state"]) for one in asked}
    await walk.run("owner", "account", "answer", item["id"], "本店会员")
    shown = await walk.run("first", "review", "show", item["id"])
    assert [one["words"] for one in shown["thread"]] == ["主要客户是谁？", "本店会员"]
    for someone in shown["subject"]["people"]:
        await walk.run("first", "review", "match", someone["id"], "yes", "--source", "三要素",
                       "--at", "2026-11-22T09:00:00+08:00")  # fmt: skip
    await walk.decide("account", by="second")
    assert (await walk.run("owner", "account", "show"))["account"]["status"] == "active"


async def sender_is_admitted(walk: Walk, file: Path) -> None:
    """The shop sends in its own name, so no letter is needed."""
    told = await walk.run("owner", "sender", "register", file)
    assert told["purposes"]["notification"]["opens"] == "full"
    await walk.decide("sender", by="second")
    assert (await walk.run("owner", "sender", "show", SHOP))["state"] == "approved"


async def port_is_active(walk: Walk) -> str:
    """From the operator's code number to a port in use; return its number."""
    await walk.run("root", "number", "enter", CODE_NUMBER, "--range", "000-999", *ON_ALL)
    await walk.run("owner", "signature", "submit", "春风百货", "--sender", SHOP, "--source",
                   "short_name")  # fmt: skip
    await walk.decide("signature")
    made = await walk.run("owner", "port", "apply", CODE_NUMBER, "--sender", SHOP, "--purpose",
                          "notification", "--signature", "春风百货")  # fmt: skip
    await walk.decide("port")
    for step in ("submit", "file", "activate"):
        shown = await walk.run("root", "port", "step", made["number"], step, "--reference", "R-1")
    assert {one["status"] for one in shown["items"][0]["carriers"]} == {"active"}
    return str(made["number"])


async def template_is_approved(walk: Walk) -> None:
    """Handed in it is not in use yet."""
    await walk.run(
        "owner", "template", "submit", "shipped", "--sender", SHOP, "--purpose", "notification",
        "--body", "您的订单{order:code}已发货。", "--basis", "下单",
    )  # fmt: skip
    await walk.refused("template_not_approved")
    await walk.decide("template")


async def money_arrives(walk: Walk) -> None:
    """The customer says what it will pay; the bank's file says that it did."""
    code = (await walk.run("owner", "money", "intent", "100"))["reference"]
    statement = walk.file("statement.xml", page_file("statement.xml").replace("CODE", code))
    told = await walk.run("till", "money", "import", "bank", statement)
    assert told["counts"] == {"credited": 1}
    (intent,) = (await walk.run("owner", "money", "intent"))["intents"]
    assert intent["state"] == "paid"


async def message_arrives(walk: Walk, port: str) -> None:
    """The order is allowed; the carrier has the text; the customer learns that it arrived."""
    allowed: list[dict[str, Any]] = []

    async def leaves() -> bool:
        done = await walk.typed("owner", *SEND, "--json")
        allowed.append(json.loads(done.stdout))
        return done.exit_code == 0

    await walk.platform.until(leaves, "the order is allowed")
    order = allowed[-1]
    (one,) = order["messages"]
    status: dict[str, Any] = {}

    async def arrived() -> bool:
        status.update(await walk.run("owner", "status", "message", one["id"]))
        return bool(status["state"] == "delivered")

    await walk.platform.until(arrived, f"the message is delivered: {status}")
    (submit,) = walk.platform.submits()
    sent = (submit["carrier"], submit["source"], submit["destination"], submit["text"])
    assert sent == ("mobile", port, TO, "【春风百货】您的订单A1001已发货。")
    assert order["cost_micro"] == status["price_micro"]


async def money_is_right(walk: Walk) -> None:
    """The statement shows what came and what the one message cost; the ledger is proved."""
    month = f"{spending_day(walk.platform.clock.now()):%Y-%m}"
    told: dict[str, Any] = {}

    async def charged() -> bool:
        told.update(await walk.run("owner", "money", "statement", month))
        return bool(told["charges"])

    await walk.platform.until(charged, "the message is charged")
    moves = {one["kind"]: (one["count"], one["amount_micro"]) for one in told["moves"]}
    (charge,) = told["charges"]
    price = charge["price_micro"]
    assert price > 0
    assert moves == {"topup": (1, PAID), "revenue": (1, -price)}
    assert (charge["carrier"], charge["segments"], charge["amount_micro"]) == ("mobile", 1, price)
    assert told["closing_micro"] == told["available_micro"] == PAID - price
    proof = await walk.run("auditor", "money", "verify")
    assert proof["ok"], proof


async def acts_are_written_down(walk: Walk) -> None:
    """Everything that staff did stands in the record, with who did it."""
    people = {who: int((await walk.run(who, "account", "me"))["actor"]) for who in STAFF}
    names = {number: who for who, number in people.items()}
    items = (await walk.run("auditor", "audit", "show"))["items"]
    acts = {(names.get(one["actor_id"], ""), one["what"]) for one in items}
    assert acts >= {
        ("", "staff.add"), ("root", "team.invite"), ("auditor", "team.join"),
        ("first", "register.import"), ("first", "document.register"), ("first", "document.paper"),
        ("first", "document.call_back"), ("first", "review.ask"), ("first", "person.match"),
        ("first", "review.approve"), ("second", "review.approve"), ("root", "number.enter"),
        ("root", "port.submit"), ("root", "port.file"), ("root", "port.activate"),
        ("till", "payments.import"),
    }  # fmt: skip
    approved = sorted(
        (one["subject"].partition("/")[0], names[one["actor_id"]])
        for one in items
        if one["what"] == "review.approve"
    )
    assert approved == sorted(
        [("document", "first")] * len(PAPERS)
        + [("account", "second"), ("sender", "second"), ("port", "first")]
        + [("signature", "first"), ("template", "first")]
    )


@pytest.mark.timeout(300)  # some hundred commands, a dozen passwords; more when busy
async def test_a_customer_walks_from_the_door_to_the_carrier_with_commands_only(
    migrated_url: str, tmp_path: Path
) -> None:
    async with platform_of_nobody(migrated_url, tmp_path) as walk:
        await staff_come(walk)
        await customer_signs_up(walk)
        await walk.refused("account_not_verified")
        file = await customer_applies(walk)
        await papers_are_seen(walk)
        await account_is_admitted(walk)
        await walk.refused("unknown_sender")
        await sender_is_admitted(walk, file)
        await walk.refused("no_port")
        port = await port_is_active(walk)
        await template_is_approved(walk)
        await walk.refused("balance")
        await money_arrives(walk)
        await message_arrives(walk, port)
        await money_is_right(walk)
        await acts_are_written_down(walk)
        assert set(typed_on_the_page()) <= walk.typed_so_far


def test_the_settings_of_the_page_are_settings() -> None:
    settings = msgspec.convert(tomllib.loads(page_file("assent.toml")), Settings)
    assert (settings.mail.directory, settings.payments[0].account) == ("mail", "CN001")
