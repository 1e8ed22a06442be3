"""Links in a text that can be looked behind: whole ones, without a variable in them."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 8
_REST: Final = r"[!-~]*?(?=[<>\"'{}()\[\]]|[^!-~]|$)"
"""A path goes as far as there is ASCII: what comes after it in Chinese is the sentence."""
_LINK: Final = re.compile(
    rf"(?:https?://(?=[a-z0-9\[])|(?<![\w.@-])www\.(?=[a-z0-9])){_REST}", re.IGNORECASE | re.ASCII
)
_BARE: Final = re.compile(
    r"(?<![\w.@/-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?![\w@])"
    rf"(?:/{_REST})?",
    re.IGNORECASE | re.ASCII,
)


def links_to_look_at(text: str) -> list[str]:
    """Return the links of a text that say where they lead whoever gets them, each once."""
    found: dict[str, None] = {}
    left = text
    for pattern in (_LINK, _BARE):
        for hit in pattern.finditer(left):
            around = left[hit.start() - 1 : hit.start()] + left[hit.end() : hit.end() + 1]
            if "{" in around or "}" in around:
                continue  # a variable goes on with it, or it with a variable
            link = hit.group().rstrip(".,;:!?)")
            found.setdefault(link if "://" in link else f"http://{link}")
        left = pattern.sub(lambda hit: " " * len(hit.group()), left)
    return list(found)[:MOST]
