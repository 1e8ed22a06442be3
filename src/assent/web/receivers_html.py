"""The frame of the receivers' pages: plain HTML without a script, in two languages.

What goes into a page is escaped by what puts it there: everything here takes plain text, but for
`Html`, which is HTML already.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from html import escape
from typing import ClassVar, Final, NewType, Self

from fastapi.responses import Response

from assent.web.receivers_words import LANGUAGES, word

Html = NewType("Html", str)

HOME: Final = "/r"
EMPTY: Final = Html("")
_CHINA: Final = timezone(timedelta(hours=8))
_STYLE: Final = (
    ":root{color-scheme:light dark}"
    "body{font:1rem/1.6 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem;"
    "color:#111;background:#fff}"
    "header,footer{display:flex;flex-wrap:wrap;gap:1rem;justify-content:space-between}"
    "footer{border-top:1px solid #767676;margin-top:2rem;font-size:.9rem}"
    "h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2rem}"
    "article{border:1px solid #767676;border-radius:.5rem;margin:1rem 0;padding:.5rem 1rem}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem .8rem;margin:.5rem 0}"
    "dt{color:#4a4a4a}dd{margin:0;overflow-wrap:anywhere}"
    "label{display:block;font-weight:600}label.plain{font-weight:400;margin:.5rem 0}"
    "input:not([type=checkbox],[type=radio]),textarea{font:inherit;width:100%;"
    "box-sizing:border-box;"
    "padding:.6rem;border:1px solid #595959;border-radius:.3rem;color:#111;background:#fff}"
    "button{font:inherit;min-height:2.75rem;padding:.5rem 1rem;margin:.5rem 0;border:0;"
    "border-radius:.3rem;color:#fff;background:#0b4f8a}"
    "button:focus,input:focus,textarea:focus,a:focus{outline:3px solid #b35900;outline-offset:2px}"
    ".said{border-left:.3rem solid #0b4f8a;padding:.5rem 1rem}"
    ".wrong{border-left:.3rem solid #a30000;padding:.5rem 1rem}"
    ".skip{position:absolute;left:-99rem}.skip:focus{position:static}"
    "@media(prefers-color-scheme:dark){body{color:#f2f2f2;background:#121212}a{color:#8cc4ff}"
    "dt{color:#c8c8c8}}"
)
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "vary": "accept-language, cookie",
}


class Tongue:
    """The language of a page. `chosen`: by a link, so that every further link keeps it."""

    home: ClassVar[str] = HOME
    """Where the pages begin that it is spoken on."""

    def __init__(self, lang: str, chosen: bool) -> None:
        self.lang = lang
        self.chosen = chosen

    @classmethod
    def of(cls, query: str, accepted: str) -> Self:
        """Return the language that a link names, else the one that a browser likes best."""
        if query in LANGUAGES:
            return cls(query, True)
        return cls(_liked(accepted), False)

    def __call__(self, key: str, **values: str) -> Html:
        """Return words of a page, escaped, and the values in them as well."""
        return Html(escape(word(key, self.lang, **values)))

    def path(self, path: str) -> Html:
        """Return an address on these pages that keeps the language."""
        return Html(escape(f"{path}?lang={self.lang}" if self.chosen else path))

    @property
    def other(self) -> str:
        """The other language."""
        return LANGUAGES[1 - LANGUAGES.index(self.lang)]


def _liked(accepted: str) -> str:
    """Return the language with the best weight in an Accept-Language header; Chinese if none."""
    best, weight = LANGUAGES[0], 0.0
    for part in accepted.split(",")[:20]:
        name, _, rest = part.partition(";")
        told = rest.strip().removeprefix("q=")
        try:
            liked = float(told) if told else 1.0
        except ValueError:
            liked = 0.0
        lang = name.strip().lower().partition("-")[0]
        if lang in LANGUAGES and liked > weight:
            best, weight = lang, liked
    return best


def join(parts: Iterable[str]) -> Html:
    """Return pieces of HTML one after the other."""
    return Html("".join(parts))


def text(plain: str) -> Html:
    """Return plain text as HTML."""
    return Html(escape(plain))


def page(
    tongue: Tongue, title: str, body: Html, *, here: str = "", status: int = 200,
    leave: Html | None = None,
) -> Response:  # fmt: skip
    """Return a whole page. `title`: of HTML already. `here`: what the other language's link opens,
    where the pages begin if not given; `leave`: the form that ends a session."""
    html = (
        f'<!doctype html><html lang="{"zh-CN" if tongue.lang == "zh" else "en"}"><head>'
        f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f'<meta name="robots" content="noindex"><title>{title}</title>'
        f"<style>{_STYLE}</style></head><body>"
        f'<a class="skip" href="#main">{tongue("skip")}</a>'
        f'<header><a href="{tongue.path(tongue.home)}">{tongue("title")}</a>'
        f'<a href="{escape(here or tongue.home)}?lang={tongue.other}" lang="{tongue.other}">'
        f"{tongue('other_language')}</a>{leave or ''}</header>"
        f'<main id="main"><h1>{title}</h1>{body}</main>'
        f"<footer><p>{tongue('footer')}</p></footer></body></html>"
    )
    headers = {**HEADERS, "content-language": tongue.lang}
    return Response(html, status, headers, "text/html; charset=utf-8")


def form(
    tongue: Tongue, action: str, token: str, button: Html, fields: Html = EMPTY,
    hidden: Mapping[str, str] | None = None,
) -> Html:  # fmt: skip
    """Return a form that posts. `token`: what shows that it was made here."""
    kept = {"form": token, **(hidden or {})}
    inputs = join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in kept.items()
    )
    return Html(
        f'<form method="post" action="{tongue.path(action)}">{inputs}{fields}'
        f"<button>{button}</button></form>"
    )


def field(
    name: str, label: Html, kind: str = "text", hint: Html | None = None, **more: str
) -> Html:
    """Return a labelled field. `more`: further attributes, `_` for `-`."""
    rest = join(f' {key.replace("_", "-")}="{escape(value)}"' for key, value in more.items())
    told = f'<p id="{name}-hint">{hint}</p>' if hint else ""
    by = f' aria-describedby="{name}-hint"' if hint else ""
    return Html(
        f'<label for="{name}">{label}</label>{told}'
        f'<input type="{kind}" id="{name}" name="{name}" required{by}{rest}>'
    )


def checkbox(name: str, key: str, label: Html, *, checked: bool = False) -> Html:
    """Return a labelled box. `key`: what tells it from others of its name on the page."""
    on = " checked" if checked else ""
    return Html(
        f'<label class="plain" for="{escape(key)}"><input type="checkbox" id="{escape(key)}" '
        f'name="{name}" value="yes"{on}> {label}</label>'
    )


def facts(rows: Iterable[tuple[Html, Html]]) -> Html:
    """Return a list of names and what they are; empty ones are left out."""
    return Html(
        f"<dl>{join(f'<dt>{name}</dt><dd>{value}</dd>' for name, value in rows if value)}</dl>"
    )


def moment(at: datetime | float | None) -> Html:
    """Return a time as people in China read it."""
    if at is None:
        return Html("")
    exact = datetime.fromtimestamp(at, UTC) if isinstance(at, float) else at
    shown = exact.astimezone(_CHINA)
    return Html(
        f'<time datetime="{shown.isoformat(timespec="seconds")}">{shown:%Y-%m-%d %H:%M}</time>'
    )
