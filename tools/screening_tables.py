"""Write the tables of kinds and findings into docs/screening.md, as the code has them.

python tools/screening_tables.py
"""

from __future__ import annotations

import re
from pathlib import Path

from assent.screen.categories import CATEGORIES
from assent.screen.codes import finding_codes

PAGE = Path(__file__).resolve().parents[1] / "docs" / "screening.md"


def kinds() -> str:
    """Return the table of kinds."""
    rows = ["| code | nature | serves | | | licences |", "|---|---|---|---|---|---|"]
    for one in CATEGORIES:
        licences = ", ".join(sorted(one.licences))
        rows.append(
            f"| `{one.code}` | {one.nature} | {one.purpose.name.lower()} | {one.en} | {one.zh} "
            f"| {licences} |"
        )
    return "\n".join(rows)


def findings() -> str:
    """Return the table of findings."""
    rows = ["| code | can be | | |", "|---|---|---|---|"]
    for code, (grave, en, zh) in finding_codes().items():
        rows.append(f"| `{code}` | {grave} | {en} | {zh} |")
    return "\n".join(rows)


def written(page: str) -> str:
    """Return the page with its tables as they have to be."""
    for name, table in (("kinds", kinds()), ("findings", findings())):
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        pattern = re.escape(begin) + ".*?" + re.escape(end)
        page = re.sub(pattern, lambda _: f"{begin}\n{table}\n{end}", page, flags=re.DOTALL)  # noqa: B023  # called at once
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text("utf-8")), "utf-8")
