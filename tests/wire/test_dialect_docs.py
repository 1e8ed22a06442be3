"""The pages of the dialects say what the tables say, and tell every custom of a carrier."""

from __future__ import annotations

from pathlib import Path

import pytest

from assent.wire import sgip_tables, smgp_tables, smpp_tables
from assent.wire.kit import OWN
from tools import draw_codes

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", draw_codes.PAGES)
def test_the_tables_of_codes_are_drawn_from_the_code(name: str) -> None:
    page = (DOCS / name).read_text(encoding="utf-8")
    assert draw_codes.BEGIN in page
    assert draw_codes.drawn(name, page) == page, "run python tools/draw_codes.py"


@pytest.mark.parametrize("dialect", OWN)
def test_every_custom_is_told_where_it_is_one(dialect: str) -> None:
    page = (DOCS / f"{dialect}.md").read_text(encoding="utf-8")
    told = page[page.index("## Customs of a carrier") :]
    every = set().union(*OWN.values())
    assert {name for name in every if f"`{name}`" in told} == OWN[dialect]


def _rows(name: str) -> list[str]:
    return (DOCS / name).read_text(encoding="utf-8").splitlines()


def test_every_command_is_told() -> None:
    for table, page in ((sgip_tables, "sgip.md"), (smgp_tables, "smgp.md")):
        layouts = table.LAYOUTS if page == "sgip.md" else table.LAYOUTS[3]
        for command in layouts:
            if not command & table.ANSWER:
                name = table.COMMAND_NAMES[command]
                assert any(row.startswith(f"| {name} | {command} |") for row in _rows(page)), name
    heads = " ".join(row.split("|")[1] for row in _rows("smpp.md") if row.startswith("| "))
    for name, _, _ in smpp_tables.COMMANDS.values():
        assert name.endswith("_resp") or name in heads, name


def test_the_readme_leads_to_every_page() -> None:
    readme = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    for name in (*draw_codes.PAGES, "fuzzing.md"):
        assert f"(docs/{name})" in readme
