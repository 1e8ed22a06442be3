"""Hold the documentation to the tree: links lead somewhere, and `make` targets exist.

    python tools/check_docs.py

Reads every Markdown file of the project. Prints what is wrong, and ends with status 1 if anything.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+\s+(.*?)\s*$", re.MULTILINE)
TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
MAKE = re.compile(r"(?:^|`|&& )make ([a-z][a-z-]*)", re.MULTILINE)
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def documents() -> list[Path]:
    """Return the Markdown files, without those of installed packages."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("bench/**/*.md")])


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    names = (re.sub(r"[^\w\- ]", "", name.lower()) for name in HEADING.findall(text))
    return {name.replace(" ", "-") for name in names}


def bad_links(path: Path, text: str) -> Iterator[str]:
    for link in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (path.parent / place) if place else path
        if not target.exists():
            yield f"leads to {place}, which is not there"
        elif anchor and anchor not in anchors(target.read_text(encoding="utf-8")):
            yield f"leads to #{anchor}, which {target.name} does not have"


def bad_targets(text: str, targets: set[str]) -> Iterator[str]:
    for name in MAKE.findall(text):
        if name not in targets:
            yield f"says `make {name}`, which the Makefile does not know"


def main() -> int:
    targets = set(TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8")))
    faults = 0
    for path in documents():
        text = path.read_text(encoding="utf-8")
        for fault in [*bad_links(path, text), *bad_targets(text, targets)]:
            print(f"{path.relative_to(ROOT)}: {fault}")
            faults += 1
    print(f"{len(documents())} documents, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
