"""Draw docs/session.md's diagrams from the transition table, so that they cannot disagree.

`python tools/draw_session.py` rewrites the part between the marks; a test holds that nothing is
left to rewrite.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

from assent.wire.states import TABLE, Role, State

PAGE = Path(__file__).parent.parent / "docs" / "session.md"
BEGIN, END = "<!-- drawn by tools/draw_session.py -->", "<!-- end of drawing -->"


def diagram(role: Role) -> str:
    """The role's table as a mermaid state diagram: one arrow a pair of states."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {State.NEW.value}"]
    for state in State:
        arrows: dict[State, list[str]] = defaultdict(list)
        for move, after in TABLE[role][state].items():
            arrows[after].append(move.value)
        lines += [
            f"    {state.value} --> {after.value}: {', '.join(moves)}"
            for after, moves in arrows.items()
            if not after is state is State.ENDED
        ]
    return "\n".join([*lines, f"    {State.ENDED.value} --> [*]", "```"])


def drawn(page: str) -> str:
    """The page with its drawing made anew."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    parts = [f"### {role.value.capitalize()}\n\n{diagram(role)}" for role in Role]
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def main() -> int:
    page = PAGE.read_text(encoding="utf-8")
    PAGE.write_text(drawn(page), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
