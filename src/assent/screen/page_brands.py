"""Whose page a page says it is: well-known names in its title, its logos and its site's name."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

__all__ = ["Brand", "Shown", "brands_of", "is_of", "known_brands"]

VERSION: Final = "brands-1"


@dataclass(frozen=True, slots=True)
class Brand:
    """A name that is imitated. `hosts`: its owner's, and below them. `others`: hosts of others who
    bear the same name by right."""

    name: str
    words: tuple[str, ...]
    latin: tuple[str, ...]
    hosts: tuple[str, ...]
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """Where a page says whose it is. `names`: site's name, headings, logos' words. `files`: names
    of its icons."""

    title: str
    names: tuple[str, ...] = ()
    files: tuple[str, ...] = ()


@cache
def known_brands() -> Mapping[str, Brand]:
    """Return the packaged names."""
    place = resources.files("assent").joinpath(f"data/screen/{VERSION}.json")
    rows: list[dict[str, Any]] = json.loads(place.read_bytes())["brands"]
    return {
        row["name"]: Brand(
            row["name"],
            tuple(row.get("words", ())),
            tuple(row.get("latin", ())),
            tuple(row["hosts"]),
            tuple(row.get("others", ())),
        )
        for row in rows
    }


def brands_of(shown: Shown, brands: Mapping[str, Brand]) -> tuple[str, ...]:
    """Return the names that a page shows as its own, sorted."""
    told = [_plain(text) for text in (_head(shown.title), *shown.names)]
    files = [_plain(text) for text in shown.files]
    return tuple(sorted(name for name, brand in brands.items() if _shows(brand, told, files)))


def _shows(brand: Brand, told: Iterable[str], files: Iterable[str]) -> bool:
    latin = [re.compile(rf"(?<![a-z0-9]){re.escape(word)}(?![a-z0-9])") for word in brand.latin]
    return any(
        any(word in text for word in brand.words) or any(one.search(text) for one in latin)
        for text in told
        if text
    ) or any(one.search(text) for text in files for one in latin)


def _head(title: str) -> str:
    """Return the parts of a title in which a site names itself: its first and its last."""
    parts = [
        part.strip() for part in re.split(r"\s+[-–—|_·]\s+|[|_｜]|[-–—]", title) if part.strip()
    ]
    return " ".join([*parts[:1], *parts[-1:]])[:120]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()[:200]


def is_of(host: str, hosts: Collection[str]) -> bool:
    """Tell whether a host is one of some hosts or below one."""
    return any(host == one or host.endswith(f".{one}") for one in hosts)
