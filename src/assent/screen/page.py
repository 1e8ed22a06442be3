"""What a page shows, as far as it can be read without running it: the fingerprint of a page.

Pure: octets that somebody else fetched come in, a :class:`Page` comes out. What a page says about
itself is untrusted: everything is cut to a size. Text that is not seen (scripts, styles, what is
hidden in place, comments) is not read; a page that shows next to nothing without its scripts is
`opaque`, because what it will show cannot be known from here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from assent.screen.page_brands import Shown, brands_of, known_brands
from assent.screen.page_forms import Form, forms_of
from assent.screen.page_scripts import moves
from assent.screen.page_text import sketch, words_of

__all__ = ["LONGEST_TEXT", "Form", "Page", "host_in", "read_page"]

LONGEST_TEXT: Final = 20_000
"""Characters of a page's text that are kept."""
LEAST_TEXT: Final = 40
"""Letters below which a page that has scripts, frames or pictures shows nothing by itself."""
_MOST: Final = 64
_MOST_NODES: Final = 40_000
_DEEPEST: Final = 1_000
_TAG: Final = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")
_FLAT: Final = frozenset(
    [
        "p",
        "li",
        "td",
        "tr",
        "th",
        "tbody",
        "thead",
        "tfoot",
        "option",
        "optgroup",
        "dt",
        "dd",
        "area",
        "base",
        "br",
        "col",
        "embed",
        "hr",
        "img",
        "input",
        "link",
        "meta",
        "param",
        "source",
        "track",
        "wbr",
    ]
)
"""Elements that need no end."""
_SILENT: Final = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "head",
        "title",
        "option",
        "datalist",
        "iframe",
        "object",
        "embed",
        "math",
    ]
)
_BLOCKS: Final = frozenset(
    [
        "p",
        "div",
        "section",
        "article",
        "header",
        "footer",
        "nav",
        "aside",
        "main",
        "ul",
        "ol",
        "li",
        "table",
        "tr",
        "td",
        "th",
        "dl",
        "dt",
        "dd",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "form",
        "fieldset",
        "label",
        "button",
        "br",
        "hr",
        "pre",
        "blockquote",
        "figure",
        "figcaption",
        "body",
        "a",
    ]
)
_SHAPE: Final = [
    "div",
    "p",
    "a",
    "img",
    "span",
    "ul",
    "li",
    "table",
    "tr",
    "td",
    "form",
    "input",
    "button",
    "select",
    "textarea",
    "h1",
    "h2",
    "h3",
    "iframe",
    "script",
    "link",
    "section",
    "article",
    "nav",
    "header",
    "footer",
    "video",
    "canvas",
    "label",
]
_ASIDE: Final = (
    "ad", "ads", "adv", "advert", "advertisement", "adsbygoogle", "banner", "carousel", "swiper",
    "slider", "cookie", "cookies", "consent", "gdpr", "comment", "comments", "recommend",
    "recommended", "recommendation", "related", "sidebar", "sponsor", "sponsored", "popup", "guess",
    "hot", "rank", "ticker", "breadcrumb", "review", "reviews",
)  # fmt: skip
_ASIDE_TAGS: Final = frozenset({"aside", "footer", "nav"})
_HIDDEN: Final = ("display:none", "visibility:hidden", "font-size:0", "opacity:0")


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


def host_in(url: str) -> str:
    """Return the host of a link in small letters; '' for what has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


def read_page(html: str, url: str, chain: tuple[str, ...] = (), status: int = 200) -> Page:
    """Return the fingerprint of a page. Never raises for what a page holds."""
    shallow = _shallow(html)
    tree = LexborHTMLParser(html[:shallow])
    host = host_in(url)
    seen = _Walk()
    if tree.root is not None:
        seen.walk(tree.root)
    base = _base(tree, url)
    shown = seen.shown(tree)
    forms = forms_of(tree, lambda link: _other(urljoin_safe(base, link), host))
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
        shape=tuple(min(seen.tags[tag], 9999) for tag in _SHAPE),
        forms=forms,
        brands=brands_of(shown, known_brands()),
        hosts=seen.hosts(base, host),
        opaque="deep" if shallow < len(html) else _opaque(seen, forms, f"{main}\n{rest}"),
        refresh=_refresh(tree, base, url),
    )


class _Walk:
    """One walk over the tree."""

    def __init__(self) -> None:
        self.main: list[str] = []
        self.rest: list[str] = []
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.script_files = 0
        self.logos: list[str] = []
        self._tree = blake2b(digest_size=8)
        self._line: list[str] = []
        self._aside = False

    def walk(self, root: LexborNode) -> None:
        """Read every element that is seen. A tree that is too deep or too large is cut."""
        left = _MOST_NODES
        stack: list[tuple[LexborNode | None, str, bool]] = [(root, "", False)]
        while stack and left:
            node, _, aside = stack.pop()
            if node is None:
                self._break(aside)
                continue
            left -= 1
            tag = node.tag or ""
            if tag == "-text":
                self._text(node, aside)
                continue
            if not tag or tag.startswith("-"):
                continue
            self._element(node, tag, len(stack))
            if tag in _SILENT and tag != "head":
                continue
            attributes = node.attributes
            if _hidden(tag, attributes):
                continue
            inside = aside or tag in _ASIDE_TAGS or _beside(attributes)
            if tag in _BLOCKS:
                self._break(aside)
                stack.append((None, tag, inside))
            stack.extend((child, "", inside) for child in reversed(_children(node)))
        self._break(False)

    def _element(self, node: LexborNode, tag: str, depth: int) -> None:
        self.tags[tag] += 1
        self._tree.update(f"{depth:x}{tag};".encode())
        attributes = node.attributes
        for name in ("href", "src", "action", "data-src"):
            link = attributes.get(name)
            if link and len(self.links) < 2_000:
                self.links.append(link)
        if tag == "script":
            if attributes.get("src"):
                self.script_files += 1
            else:
                self.scripts.append((node.text(deep=True) or "")[:50_000])
        if tag == "img" and len(self.logos) < _MOST:
            named = " ".join(str(attributes.get(key) or "") for key in ("src", "class", "id"))
            if "logo" in named.lower():
                self.logos.append(f"{attributes.get('alt') or ''} {_file(attributes.get('src'))}")

    def _text(self, node: LexborNode, aside: bool) -> None:
        words = node.text_content or ""
        if words.strip():
            self._aside = aside
            self._line.append(words)

    def _break(self, aside: bool) -> None:
        if self._line:
            line = " ".join("".join(self._line).split())
            (self.rest if self._aside else self.main).append(line[:2_000])
            self._line = []

    def skeleton(self) -> str:
        """Return the digest of the tree."""
        return self._tree.hexdigest()

    def hosts(self, base: str, own: str) -> tuple[str, ...]:
        """Return the hosts that it leads to or loads from, without its own."""
        found = {_other(urljoin_safe(base, link), own) for link in self.links}
        return tuple(sorted(found - {""}))[:_MOST]

    def shown(self, tree: LexborHTMLParser) -> Shown:
        """Return the places in which a page says whose it is."""
        title = tree.css_first("title")
        metas = {
            str(one.attributes.get("property") or one.attributes.get("name") or "").lower(): str(
                one.attributes.get("content") or ""
            )[:200]
            for one in tree.css("meta")[:200]
        }
        icons = [
            _file(one.attributes.get("href"))
            for one in tree.css("link")[:200]
            if "icon" in str(one.attributes.get("rel") or "").lower()
        ]
        heads = [(one.text(deep=True) or "")[:100] for one in tree.css("h1")[:3]]
        return Shown(
            title=" ".join((title.text(deep=True) or "").split()) if title is not None else "",
            names=(metas.get("og:site_name", ""), metas.get("og:title", ""), *heads, *self.logos),
            files=tuple(icons),
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


def _opaque(seen: _Walk, forms: tuple[Form, ...], text: str) -> str:
    """Return why a page cannot be read: `script` (it needs its scripts), `frame`, `picture`,
    `moves` (it sends its visitor on by script), `empty`; '' for one that can."""
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


def _children(node: LexborNode) -> list[LexborNode]:
    found = []
    child = node.first_child
    while child is not None:
        found.append(child)
        child = child.next
    return found


def _hidden(tag: str, attributes: dict[str, str | None]) -> bool:
    if "hidden" in attributes or (tag == "input" and attributes.get("type") == "hidden"):
        return True
    style = (attributes.get("style") or "").lower().replace(" ", "")
    return any(
        f"{one};" in f"{style};" or f"{one}p" in style or f"{one}!" in style for one in _HIDDEN
    )


def _beside(attributes: dict[str, str | None]) -> bool:
    names = f"{attributes.get('class') or ''} {attributes.get('id') or ''}".lower()
    return bool(names) and any(
        word in _ASIDE for word in names.replace("_", " ").replace("-", " ").split()[:24]
    )


def _file(link: str | None) -> str:
    try:
        return urlsplit(link or "").path.rpartition("/")[2][:80]
    except ValueError:
        return ""


def urljoin_safe(base: str, link: str) -> str:
    """Return a link as it leads from a page; '' for what leads nowhere over http."""
    try:
        whole = urljoin(base, link.strip())
        return whole if urlsplit(whole).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _other(link: str, own: str) -> str:
    host = host_in(link)
    return "" if host == own else host


def _base(tree: LexborHTMLParser, url: str) -> str:
    found = tree.css_first("base")
    link = None if found is None else found.attributes.get("href")
    return urljoin_safe(url, link) or url if link else url


def _bare(url: str) -> str:
    parts = urlsplit(url)
    path = parts.path.partition(";")[0]  # a session's id goes behind it
    return f"{parts.scheme}://{parts.netloc}{path or '/'}"


def _refresh(tree: LexborHTMLParser, base: str, url: str) -> str:
    """Return where a page sends its visitor by itself; to load itself again leads nowhere."""
    for link in _refreshes(tree):
        whole = urljoin_safe(base, link)
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
