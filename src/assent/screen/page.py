"""What a page shows, as far as it can be read without running it: the fingerprint of a page.

Pure: octets that somebody else fetched come in, a :class:`Page` comes out. What a page says about
itself is untrusted: everything is cut to a size. Text that is not seen (scripts, styles, what is
hidden in place, comments) is not read; a page that shows next to nothing without its scripts is
`opaque`, because what it will show cannot be known from here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from selectolax.lexbor import LexborHTMLParser

from assent.screen.page_brands import brands_of, known_brands
from assent.screen.page_forms import MOST_FIELDS, Form, forms_of
from assent.screen.page_scripts import moves
from assent.screen.page_text import sketch, words_of
from assent.screen.page_walk import SHAPE, Walk, host_in, joined, other_host

__all__ = ["LONGEST_TEXT", "Form", "Page", "host_in", "read_page"]

LONGEST_TEXT: Final = 300_000
"""Characters of a page's text that are kept: all of a page's that a fetcher takes."""
LEAST_TEXT: Final = 40
"""Letters below which a page that has scripts, frames or pictures shows nothing by itself."""
_DEEPEST: Final = 1_000
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FLAT: Final = frozenset({
    "p", "li", "td", "tr", "th", "tbody", "thead", "tfoot", "option", "optgroup", "dt", "dd",
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param",
    "source", "track", "wbr",
})  # fmt: skip
"""Elements that need no end."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page as one visitor saw it.

    `url`: where it was read, without query and fragment. `chain`: hosts that were passed, the last
    one its own. `main`, `rest`: visible text, a block a line; `rest` is what usually changes by
    itself (adverts, comments, menus). `sketch`: 64 minima of its shingles' hashes. `skeleton`:
    digest of the tree of its elements, `shape`: how many of each. `hosts`: that it loads from,
    links or posts to, without its own. `brands`: whose page it says it is. `opaque`: why it cannot
    be read, '' for one that can. `refresh`: where it sends its visitor by itself.
    """

    url: str
    host: str
    chain: tuple[str, ...]
    status: int
    title: str
    main: str
    rest: str
    sketch: tuple[int, ...]
    skeleton: str
    shape: tuple[int, ...]
    forms: tuple[Form, ...]
    brands: tuple[str, ...]
    hosts: tuple[str, ...]
    opaque: str = ""
    refresh: str = ""

    @property
    def text(self) -> str:
        """All visible text."""
        return f"{self.main}\n{self.rest}".strip()

    @property
    def asks(self) -> frozenset[str]:
        """What its forms ask for: `card`, `password`, `code`, `id_number`, `phone`."""
        return frozenset(what for form in self.forms for what in form.asks)


def read_page(html: str, url: str, chain: tuple[str, ...] = (), status: int = 200) -> Page:
    """Return the fingerprint of a page. Never raises for what a page holds."""
    shallow = _shallow(html)
    tree = LexborHTMLParser(html[:shallow])
    host = host_in(url)
    seen = Walk()
    if tree.root is not None:
        seen.walk(tree.root)
    base = _base(tree, url)
    shown = seen.shown(tree)
    forms = forms_of(tree, lambda link: other_host(joined(base, link), host))
    main, rest = "\n".join(seen.main)[:LONGEST_TEXT], "\n".join(seen.rest)[:LONGEST_TEXT]
    return Page(
        url=_bare(url),
        host=host,
        chain=chain or (host,),
        status=status,
        title=shown.title[:200],
        main=main,
        rest=rest,
        sketch=sketch(f"{main}\n{rest}"),
        skeleton=seen.skeleton(),
        shape=tuple(min(seen.tags[tag], 9999) for tag in SHAPE),
        forms=forms,
        brands=brands_of(shown, known_brands()),
        hosts=seen.hosts(base, host),
        opaque="deep" if shallow < len(html) else _opaque(seen, forms, f"{main}\n{rest}"),
        refresh=_refresh(tree, base, url),
    )


def _shallow(html: str) -> int:
    """Return how far a page goes before its elements lie deeper in each other than those of any
    page that people wrote: to build such a tree takes time that grows with the square of it."""
    depth = 0
    for tag in _TAG.finditer(html):
        if tag.group(2).lower() in _FLAT:
            continue
        depth += -1 if tag.group(1) else 1
        if depth > _DEEPEST:
            return tag.start()
        depth = max(depth, 0)
    return len(html)


def _opaque(seen: Walk, forms: tuple[Form, ...], text: str) -> str:
    """Return why a page cannot be read: `script` (it needs its scripts), `frame`, `picture`,
    `large` (more than is looked through), `moves` (it sends its visitor on by script), `empty`;
    '' for one that can."""
    if seen.cut or seen.tags["input"] + seen.tags["select"] + seen.tags["textarea"] > MOST_FIELDS:
        return "large"
    letters = len(words_of(text).replace(" ", ""))
    if any(moves(script) for script in seen.scripts):
        return "moves"
    if letters >= LEAST_TEXT or forms:
        return ""
    if seen.tags["script"] or seen.script_files:
        return "script"
    if seen.tags["iframe"] or seen.tags["frame"] or seen.tags["object"] or seen.tags["embed"]:
        return "frame"
    if seen.tags["img"] or seen.tags["canvas"] or seen.tags["svg"] or seen.tags["video"]:
        return "picture"
    return "" if letters >= 8 else "empty"


def _base(tree: LexborHTMLParser, url: str) -> str:
    found = tree.css_first("base")
    link = None if found is None else found.attributes.get("href")
    return joined(url, link) or url if link else url


def _bare(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.partition(";")[0]  # a session's id goes behind it
    return f"{parts.scheme}://{parts.netloc}{path or '/'}"


def _refresh(tree: LexborHTMLParser, base: str, url: str) -> str:
    """Return where a page sends its visitor by itself; to load itself again leads nowhere."""
    for link in _refreshes(tree):
        whole = joined(base, link)
        if whole and whole.partition("#")[0] != url.partition("#")[0]:
            return whole
    return ""


def _refreshes(tree: LexborHTMLParser) -> Iterator[str]:
    for one in tree.css("meta")[:200]:
        if str(one.attributes.get("http-equiv") or "").strip().lower() == "refresh":
            _, _, target = str(one.attributes.get("content") or "").replace(",", ";").partition(";")
            key, equals, link = target.strip().partition("=")
            if equals and key.strip().lower() == "url":
                yield link.strip().strip("'\"")
            elif target.strip():
                yield target.strip().strip("'\"")
