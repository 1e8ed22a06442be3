"""The rules of the house: which way imports point, sizes, names, and who may ask for the time."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "assent"
MODULES = sorted(SOURCE.rglob("*.py"))

BASE = {"message", "errors", "clock", "text", "numbers"}
PURE = {"wire", "policy", "consent", "registry", "screen"}
# A room may import itself and these; of the rooms of one line, none knows another, except that
# the command line and the demo show what the others do.
EDGE = {"store", "carrier", "fetch", "watch", "web"}
BELOW = BASE | PURE | {"flow"}
MAY_IMPORT: dict[str, set[str]] = {
    "message": set(),
    "errors": set(),
    "clock": {"errors"},
    "text": {"message", "errors"},
    "numbers": {"message", "errors"},
    **dict.fromkeys(PURE, BASE),
    "flow": BASE | PURE,
    **dict.fromkeys(EDGE, BELOW),
    "client": BASE,
    "cli": BELOW | EDGE | {"client", "demo"},
    "demo": BELOW | EDGE | {"client"},
    "quarter": BELOW | EDGE | {"client", "demo"},
    "app": BELOW | EDGE | {"client", "cli", "demo", "quarter"},
}

MODULE_LINES = 400
FUNCTION_LINES = 60
EXPLAINED_LINES = 40
FORBIDDEN_NAME = re.compile(r"util|manager|helper", re.IGNORECASE)

ASKS_THE_MACHINE = {
    "time.time",
    "time.time_ns",
    "datetime.datetime.now",
    "datetime.datetime.utcnow",
    "datetime.datetime.today",
    "datetime.date.today",
}
RANDOM_TYPES = {"random.Random", "random.SystemRandom"}
SQL_TIME = re.compile(
    r"\b(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\("
    r"|\b(current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)


def room_of(module: Path) -> str:
    """Return the first name under assent: `wire` for assent/wire/cmpp.py."""
    return module.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the rooms of assent that a module imports anywhere, also inside functions."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"relative import in line {node.lineno}"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            package, _, rest = name.partition(".")
            if package == "assent" and rest and not rest.startswith("__"):
                yield rest.partition(".")[0]


def strangers(room: str, tree: ast.AST) -> set[str]:
    """Return the rooms that a module of `room` imports and may not."""
    return set(imports(tree)) - MAY_IMPORT.get(room, set()) - {room}


def long_functions(source: str) -> Iterator[str]:
    """Yield functions that are too long, or long without saying why."""
    lines = source.splitlines()
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        size = (node.end_lineno or node.lineno) - node.lineno + 1
        comments = [
            line.partition("#")[2] for line in lines[node.lineno - 1 : node.end_lineno or 0]
        ]
        reason = re.search(r"\blong\b", " ".join([ast.get_docstring(node) or "", *comments]))
        if size > FUNCTION_LINES or (size > EXPLAINED_LINES and not reason):
            yield f"{node.name} ({size} lines)"


def asks_the_machine(tree: ast.AST) -> Iterator[str]:
    """Yield uses of the machine's clock and of the shared random generator."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names |= {
                alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute | ast.Name):
            head, _, rest = ast.unparse(node).partition(".")
            name = ".".join(filter(None, (names.get(head, ""), rest)))
            shared = re.fullmatch(r"random\.\w+", name) and name not in RANDOM_TYPES
            if name in ASKS_THE_MACHINE or shared:
                yield f"{name} in line {node.lineno}"


def sql_time(sql: str) -> list[str]:
    """Return the clock calls of a query file, comments left out."""
    return [hit.group() for hit in SQL_TIME.finditer(re.sub(r"--[^\n]*", "", sql))]


def named(path: Path) -> str:
    return str(path.relative_to(SOURCE))


@pytest.mark.parametrize("module", MODULES, ids=named)
def test_module_keeps_the_rules(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    tree = ast.parse(source)
    room = room_of(module)
    assert room in MAY_IMPORT or room.startswith("__"), f"{room} has no place in the house"
    assert not strangers(room, tree)
    assert source.count("\n") <= MODULE_LINES
    assert not list(long_functions(source))
    assert not FORBIDDEN_NAME.search(named(module))
    if module != SOURCE / "clock.py":
        assert not list(asks_the_machine(tree))


def test_business_sql_is_given_the_time() -> None:
    for path in sorted((SOURCE / "store" / "queries").glob("*.sql")):
        assert not sql_time(path.read_text(encoding="utf-8")), path.name


@pytest.mark.parametrize(
    ("room", "source", "found"),
    [
        ("flow", "from assent.store import Store", {"store"}),
        ("flow", "import assent.carrier.link", {"carrier"}),
        ("wire", "def f():\n    from assent import policy", {"policy"}),
        ("store", "from assent.web.api import x", {"web"}),
        ("wire", "from assent.wire.frame import Layout\nfrom assent import __version__", set()),
        ("app", "import assent.web, assent.store", set()),
    ],
)
def test_import_rule_sees(room: str, source: str, found: set[str]) -> None:
    assert strangers(room, ast.parse(source)) == found


@pytest.mark.parametrize(
    ("source", "hits"),
    [
        ("import time\nx = time.time()", 1),
        ("import time as clock\nx = clock.time_ns", 1),
        ("from time import time\nx = time()", 1),
        ("from datetime import UTC, datetime\nx = datetime.now(UTC)", 1),
        ("import datetime\nx = datetime.date.today()", 1),
        ("import random\nx = random.random()", 1),
        ("from random import choice\nx = choice([1])", 1),
        ("import random\ndef f(rng: random.Random): return rng.random()", 0),
        ("import time\nx = time.perf_counter()", 0),
        ("from datetime import datetime\nx = datetime.fromtimestamp(0)", 0),
    ],
)
def test_time_rule_sees(source: str, hits: int) -> None:
    assert len(list(asks_the_machine(ast.parse(source)))) == hits


@pytest.mark.parametrize(
    ("lines", "reason", "found"),
    [(40, "", 0), (41, "", 1), (41, "# long: a table", 0), (61, "# long: no", 1)],
)
def test_size_rule_sees(lines: int, reason: str, found: int) -> None:
    body = [f"    {reason or 'x = 1'}"] + ["    x = 1"] * (lines - 2)
    assert len(list(long_functions("\n".join(["def f():", *body])))) == found


def test_sql_rule_sees() -> None:
    assert sql_time("-- now() is not asked\nselect $1::timestamptz, 'x'") == []
    assert len(sql_time("select now(), CURRENT_TIMESTAMP, clock_timestamp ()")) == 3
