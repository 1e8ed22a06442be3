"""A platform with receivers' pages, and a browser that only knows HTML."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec

from assent.app.http import serve
from assent.app.people import PhonesFile
from assent.clock import SystemClock
from assent.flow.receivers import Receivers
from tests.flow.conftest import PROMPT, Platform, noon_offset, register, sender_file

OWN = "OWN-operator"  # of the operator's own entity
AGENT = "Mozilla/5.0 (Linux; Android 14) receiver"


@dataclass
class Form:
    """A form of a page."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """What a browser without scripts makes of a page."""

    VOID = frozenset({"meta", "input", "br", "link"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.lang = ""
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.forms: list[Form] = []
        self.labels: set[str] = set()
        self.inputs: list[dict[str, str]] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.unclosed: list[str] = []
        self._form: Form | None = None
        self.feed(html)
        self.close()

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append((tag, given))
        if tag not in self.VOID:
            self.unclosed.append(tag)
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "html":
            self.lang = given.get("lang", "")
        elif tag == "form":
            self._form = Form(given["action"], given.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "label":
            self.labels.add(given.get("for", ""))
        elif tag == "a":
            self.links.append(given["href"])
        elif tag in ("input", "textarea"):
            if given.get("type") != "hidden":
                self.inputs.append(given)
            if self._form is not None and given.get("type") != "checkbox":
                self._form.fields[given["name"]] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        assert self.unclosed, f"</{tag}> closes nothing"
        assert self.unclosed[-1] == tag, f"</{tag}> closes <{self.unclosed[-1]}>"
        self.unclosed.pop()
        if tag == "form":
            self._form = None

    def handle_data(self, data: str) -> None:
        if self.unclosed and self.unclosed[-1] == "style":
            return
        self.words.append(data)
        if self._form is not None and self.unclosed[-1] == "button":
            self._form.buttons.append(data)

    def form(self, action: str, **fields: str) -> Form:
        """Return the form with this action and these hidden fields."""
        for one in self.forms:
            told = {name: one.fields.get(name) for name in fields}
            if one.action.partition("?")[0] == action and told == fields:
                return one
        raise AssertionError((action, fields, [(f.action, f.fields) for f in self.forms]))


class Browser:
    """A browser of a receiver: follows forms, keeps cookies, runs nothing."""

    def __init__(self, url: str, lang: str = "en", agent: str = AGENT) -> None:
        self.http = httpx.AsyncClient(
            base_url=url, timeout=30, headers={"accept-language": lang, "user-agent": agent}
        )
        self.page = Page("")
        self.answer: httpx.Response = httpx.Response(200)

    async def get(self, path: str) -> Page:
        return self._took(await self.http.get(path, follow_redirects=True))

    async def submit(self, form: Form, **filled: str) -> Page:
        assert form.method == "post"
        fields = {**form.fields, **filled}
        return self._took(
            await self.http.post(form.action, data=fields, follow_redirects=True)
        )  # fmt: skip

    def _took(self, answer: httpx.Response) -> Page:
        self.answer = answer
        if "text/html" in answer.headers.get("content-type", ""):
            self.page = Page(answer.text)
            assert not self.page.unclosed
        return self.page

    async def close(self) -> None:
        await self.http.aclose()


@dataclass
class Site:
    """The platform and its address."""

    platform: Platform
    url: str
    browsers: list[Browser] = field(default_factory=list)

    def browser(self, lang: str = "en", agent: str = AGENT) -> Browser:
        self.browsers.append(Browser(self.url, lang, agent))
        return self.browsers[-1]

    def codes(self, phone: str) -> list[str]:
        """Return the codes that carriers saw for a phone."""
        texts = [one["text"] for one in self.platform.submits() if phone in one["destination"]]
        return [found.group(1) for text in texts if (found := re.search(r"验证码(\d{6})", text))]

    async def prove(self, browser: Browser, phone: str) -> Page:
        """Go the way to a receiver's page."""
        before = len(self.codes(phone))
        page = await browser.get("/r")
        page = await browser.submit(page.form("/r/code"), number=phone)
        await self.platform.until(lambda: len(self.codes(phone)) > before, "the code is out")
        return await browser.submit(page.form("/r/enter"), code=self.codes(phone)[-1])

    async def entries(self) -> list[dict[str, Any]]:
        rows = await self.platform.sql("SELECT * FROM entry WHERE person_id > 0 ORDER BY position")
        return [dict(row) for row in rows]

    async def sync(self) -> None:
        await self.platform.node.live.sync(self.platform.node.store)


def document(senders: int = 2) -> dict[str, Any]:
    """Return the register with an operator that sends codes in its own name."""
    found = register(senders)
    found["senders"].append(sender_file(OWN, "operator", 99))
    for account in found["accounts"]:
        if account["name"] == "operator":
            account.update(senders=[OWN], price_micro=50_000, deposits={"own": 10**12})
    return found


def rooms_of(one: Site) -> Receivers:
    """Return the rooms behind the pages."""
    people = one.platform.node.people
    assert people is not None
    assert people.receivers is not None
    return people.receivers.rooms


@asynccontextmanager
async def site(
    url: str, directory: Path, given: dict[str, Any] | None = None, **settings: Any
) -> AsyncIterator[Site]:
    """Start everything and stop it in order."""
    platform = Platform(url, directory, SystemClock(noon_offset()))
    await platform.start(PROMPT)
    try:
        kept = platform.settings
        kept.http = msgspec.structs.replace(kept.http, port=0, open_rate=1e6)
        kept.phones = PhonesFile(sender=OWN, template="code")
        for name, value in settings.items():
            setattr(kept, name, value)
        await platform.file(given or document())
        node = await platform.start_node()
        server = await serve(node)
        one = Site(platform, f"http://127.0.0.1:{server.port}")
        try:
            yield one
        finally:
            for browser in one.browsers:
                await browser.close()
            await server.stop()
            await node.stop()
    finally:
        await platform.stop()
