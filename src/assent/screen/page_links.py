"""Links in a text that can be looked behind: whole ones, without a variable in them."""

from __future__ import annotations

import re
from typing import Final

MOST: Final = 8
_LINK: Final = re.compile(
    r"(?:https?://|(?<![\w.@-])www\.)[^\s{}<>\"'“”‘’，。；、！？（）()【】《》]+", re.IGNORECASE
)
_BARE: Final = re.compile(
    r"(?<![\w.@/-])(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}"
    r"(?:/[^\s{}<>\"'“”‘’，。；、！？（）()【】《》]*)?",
    re.IGNORECASE,
)


def links_to_look_at(text: str) -> list[str]:
    """Return the links of a text that say where they lead whoever gets them, each once."""
    found: dict[str, None] = {}
    plain = text
    for pattern in (_LINK, _BARE):
        for hit in pattern.finditer(plain):
            if (
                plain[hit.end() : hit.end() + 1] == "{"
                or plain[hit.start() - 1 : hit.start()] == "}"
            ):
                continue  # a variable goes on with it
            link = hit.group().rstrip(".,;:!?)")
            whole = link if "://" in link else f"http://{link}"
            found.setdefault(whole)
        plain = pattern.sub(lambda hit: " " * len(hit.group()), plain)
    return list(found)[:MOST]
