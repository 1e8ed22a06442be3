"""One walk over a page's elements: what a visitor sees, in lines, and what else is there."""

from __future__ import annotations

from collections import Counter
from hashlib import blake2b
from typing import Final
from urllib.parse import urljoin, urlsplit

from selectolax.lexbor import LexborHTMLParser, LexborNode

from assent.screen.page_brands import Shown

__all__ = ["SHAPE", "Walk", "host_in", "joined", "other_host"]

_MOST: Final = 64
_MOST_NODES: Final = 60_000
_SILENT: Final = frozenset({
    "script", "style", "noscript", "template", "svg", "head", "title", "option", "datalist",
    "iframe", "object", "embed", "math",
})  # fmt: skip
_BLOCKS: Final = frozenset({
    "p", "div", "section", "article", "header", "footer", "nav", "aside", "main", "ul", "ol", "li",
    "table", "tr", "td", "th", "dl", "dt", "dd", "h1", "h2", "h3", "h4", "h5", "h6", "form",
    "fieldset", "label", "button", "br", "hr", "pre", "blockquote", "figure", "figcaption", "body",
    "a",
})  # fmt: skip
SHAPE: Final = (
    "div", "p", "a", "img", "span", "ul", "li", "table", "tr", "td", "form", "input", "button",
    "select", "textarea", "h1", "h2", "h3", "iframe", "script", "link", "section", "article", "nav",
    "header", "footer", "video", "canvas", "label",
)  # fmt: skip
"""Elements that are counted."""
_ASIDE: Final = frozenset({
    "ad", "ads", "adv", "advert", "advertisement", "adsbygoogle", "banner", "carousel", "swiper",
    "slider", "cookie", "cookies", "consent", "gdpr", "comment", "comments", "recommend",
    "recommended", "recommendation", "related", "sidebar", "sponsor", "sponsored", "popup", "guess",
    "hot", "rank", "ticker", "breadcrumb", "review", "reviews",
})  # fmt: skip
_ASIDE_TAGS: Final = frozenset({"aside", "footer", "nav"})
_HIDDEN: Final = ("display:none", "visibility:hidden", "font-size:0", "opacity:0")


def host_in(url: str) -> str:
    """Return the host of a link in small letters; '' for what has none."""
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Walk:
    """One walk over the tree."""

    def __init__(self) -> None:
        self.main: list[str] = []
        self.rest: list[str] = []
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.scripts: list[str] = []
        self.script_files = 0
        self.logos: list[str] = []
        self.cut = False
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
        self.cut = bool(stack)
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
                self.scripts.append(node.text(deep=True) or "")
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
        found = {other_host(joined(base, link), own) for link in self.links}
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


def joined(base: str, link: str) -> str:
    """Return a link as it leads from a page; '' for what leads nowhere over http."""
    try:
        whole = urljoin(base, link.strip())
        return whole if urlsplit(whole).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def other_host(link: str, own: str) -> str:
    host = host_in(link)
    return "" if host == own else host
