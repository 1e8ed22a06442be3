"""docs/threat-model.md names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = (HERE.parent / "docs" / "threat-model.md").read_text("utf-8")


def test_the_tests_of_the_threat_model_exist() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    source = "\n".join(path.read_text("utf-8") for path in HERE.rglob("test_*.py"))
    assert len(named) > 40
    assert not [name for name in sorted(named) if f"def {name}(" not in source]


def test_every_row_of_its_tables_names_a_test() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    bodies = [line for line in rows if not line.startswith(("| who |", "| channel |"))]
    assert len(bodies) > 30
    assert not [line for line in bodies if "`test_" not in line.rsplit("|", 2)[1]]


def test_every_test_of_promise_7_is_in_it() -> None:
    files = [*HERE.rglob("test_no_trap*.py"), HERE / "flow" / "test_customers_oracle.py"]
    names = {
        name
        for path in files
        for name in re.findall(
            r"^(?:async )?def (test_\w+)\(", path.read_text("utf-8"), re.MULTILINE
        )
    }
    assert names
    assert not [name for name in sorted(names) if f"`{name}`" not in PAGE]
