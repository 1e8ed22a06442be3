"""Make the next migration file: python tools/new_migration.py NAME

Then write the change twice: forward into the new file, and into store/schema.sql as the whole
should stand. tests/store/test_migrate.py proves that the two agree.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

DIRECTORY = Path(__file__).parents[1] / "src" / "assent" / "store" / "migrations"


def create(directory: Path, name: str) -> Path:
    """Write the empty file that follows the last one of `directory`; return its path."""
    numbers = [int(path.name[:4]) for path in directory.glob("[0-9][0-9][0-9][0-9]_*.sql")]
    path = directory / f"{max(numbers, default=0) + 1:04d}_{name}.sql"
    title = name.replace("_", " ").capitalize()
    with path.open("x", encoding="utf-8") as file:
        file.write(f"-- {title}.\n-- Why: \n-- Old code on this schema: \n\n")
    return path


def main(arguments: list[str]) -> int:
    """Run the command line; return its exit code."""
    if len(arguments) != 1 or not re.fullmatch(r"[a-z][a-z0-9_]*", arguments[0]):
        print("usage: new_migration.py NAME   (small letters, digits, underscores)")
        return 2
    print(create(DIRECTORY, arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
