"""Named SQL: every statement lives in a `.sql` file, with a name and a description.

A file holds any number of blocks::

    -- name: batch_lease
    -- Lease the oldest queued batch of a lane to an epoch. $1 lane, $2 epoch.
    UPDATE ...

The comment lines right after the name are the description: what it promises and what its
parameters mean. Comments before the first name describe the file. One block is one statement
(it is prepared by name, and PostgreSQL prepares one statement at a time).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from assent.errors import AssentError, LocalProtocolError

PACKAGED = Path(__file__).parent / "queries"

_HEADER = re.compile(r"--\s*name:\s*(.*)")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement. `source` is `file:line` of its header."""

    name: str
    description: str
    sql: str
    source: str


class Queries(Mapping[str, Query]):
    """The named statements of one installation, in the order of their files."""

    def __init__(self, queries: Mapping[str, Query]) -> None:
        self._queries = dict(queries)
        self._sql = {name: query.sql for name, query in self._queries.items()}

    def __getitem__(self, name: str) -> Query:
        return self._queries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._queries)

    def __len__(self) -> int:
        return len(self._queries)

    def sql(self, name: str) -> str:
        """Return the statement called `name`. Raises LocalProtocolError if there is none."""
        try:
            return self._sql[name]
        except KeyError:
            raise LocalProtocolError(
                "no_such_query",
                f"there is no query named {name!r}",
                mend="name one of the blocks in store/queries/*.sql",
            ) from None


def load(directory: Path = PACKAGED) -> Queries:
    """Read all `*.sql` files of `directory`, in the order of their names.

    Raises AssentError (`query_file`) where a block has no proper name, no description or no
    statement, and where two blocks have one name.
    """
    found: dict[str, Query] = {}
    for path in sorted(directory.glob("*.sql")):
        for query in parse(path.read_text(encoding="utf-8"), path.name):
            if query.name in found:
                raise _broken(
                    query.source, f"{query.name} is defined at {found[query.name].source} already"
                )
            found[query.name] = query
    return Queries(found)


def parse(text: str, file: str) -> list[Query]:
    """Split the text of one file into its blocks; `file` is named in errors."""
    blocks: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.fullmatch(line.strip())
        if header:
            blocks.append((number, header.group(1).strip(), []))
        elif blocks:
            blocks[-1][2].append(line)
        elif line.strip() and not line.lstrip().startswith("--"):
            raise _broken(f"{file}:{number}", "a statement stands before the first '-- name:'")
    return [_query(name, lines, f"{file}:{number}") for number, name, lines in blocks]


def _query(name: str, lines: list[str], source: str) -> Query:
    if not _NAME.fullmatch(name):
        raise _broken(source, f"{name!r} is not a name (small letters, digits, underscores)")
    described = 0
    while described < len(lines) and lines[described].lstrip().startswith("--"):
        described += 1
    words = (line.strip().lstrip("-").strip() for line in lines[:described])
    description = " ".join(word for word in words if word)
    if not description:
        raise _broken(source, f"{name} has no description")
    statement = "\n".join(lines[described:]).strip()
    # Trailing comment lines belong to whatever comes next in the file.
    while statement.rpartition("\n")[2].lstrip().startswith("--"):
        statement = statement.rpartition("\n")[0].rstrip()
    statement = statement.removesuffix(";").rstrip()
    if not statement:
        raise _broken(source, f"{name} has no statement")
    return Query(name, description, statement, source)


def _broken(source: str, reason: str) -> AssentError:
    return AssentError("query_file", f"{source}: {reason}", mend="correct the .sql file")
