"""Whether a script sends the visitor elsewhere as soon as it runs, as far as that is plain."""

from __future__ import annotations

import re
from typing import Final

_MOVE: Final = re.compile(
    r"(?:\b(?:window|document|self|top|parent|globalThis)\s*\.\s*)?\blocation\b"
    r"(?:\s*\.\s*(?:replace|assign)\s*\(|(?:\s*\.\s*href)?\s*=(?!=))"
    r"|\bdocument\s*\.\s*write(?:ln)?\s*\(\s*(?:atob|unescape|decodeURI|String\s*\.\s*fromCharCode)"
    r"|\beval\s*\(\s*(?:atob|unescape|function\s*\(p,a,c,k|String\s*\.\s*fromCharCode)"
)
LONGEST: Final = 200_000
MOST_BRACES: Final = 5_000
_NOTHING: Final = re.compile(r"//[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?")
_WORDS: Final = re.compile(r"'(?:[^'\\\n]|\\.)*+'?|\"(?:[^\"\\\n]|\\.)*+\"?|`(?:[^`\\]|\\.)*+`?")
"""What is quoted; without going back, so that no script takes long."""
_FUNCTION: Final = re.compile(r"(?:function\s*\w*\s*\([^()]{0,200}\)|=>)\s*$")
_AT_ONCE: Final = re.compile(
    r"(?:[(!~+;,]|\bvoid|onload\s*=|addEventListener\s*\(\s*'\w*'\s*,"
    r"|(?:setTimeout|setInterval|requestAnimationFrame|ready|\$)\s*\()\s*(?:async\s*)?"
    r"(?:function\s*\w*\s*\([^()]{0,200}\)|\([^()]{0,200}\)\s*=>|\w+\s*=>)\s*$"
)
_BREAKS_OUT: Final = re.compile(
    r"\b(?:window\s*\.\s*)?(?:top|parent)\s*\.\s*location(?:\s*\.\s*href)?\s*=\s*"
    r"(?:window|self|document|location)\b"
)
"""Out of somebody else's frame, to itself: that leads nowhere."""
_WAITS: Final = re.compile(r"addEventListener\s*\(|\.on\s*\(|\.(?:click|submit|change)\s*\(")


def moves(script: str) -> bool:
    """Tell whether a script may move on as it runs: outside of functions, or in one that is called
    at once, when the page has loaded, or by a timer. In a branch counts: where it leads some
    visitors cannot be known from here."""
    code = _BREAKS_OUT.sub(" ", _WORDS.sub(_quoted, _NOTHING.sub(" ", script)))
    if not _MOVE.search(code):
        return False
    if len(code) > LONGEST or code.count("{") > MOST_BRACES:
        return True  # who hides it in so much means to
    depth: list[bool] = []  # of each open brace, whether what is inside waits to be called
    place = 0
    for found in re.finditer(r"[{}]", code):
        if not any(depth) and _MOVE.search(code, place, found.start()):
            return True
        before = code[max(0, found.start() - 260) : found.start()]
        if found.group() == "}":
            if depth:
                depth.pop()
        else:
            depth.append(_waits(before))
        place = found.end()
    return not any(depth) and _MOVE.search(code, place) is not None


def _quoted(hit: re.Match[str]) -> str:
    """What is quoted says nothing here, but for the event that comes by itself."""
    return "'load'" if "load" in hit.group().lower() and len(hit.group()) < 24 else "''"


def _waits(before: str) -> bool:
    if not _FUNCTION.search(before):
        return False  # a branch, a loop, an object
    if not _AT_ONCE.search(before):
        return True
    return _WAITS.search(before[-80:]) is not None and "load" not in before[-80:].lower()
