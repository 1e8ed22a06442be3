"""Labelled texts in files: an operator's CSV, JSONL or Parquet, and directories of known sets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as arrow
import pyarrow.csv as arrow_csv
import pyarrow.parquet as arrow_parquet

from assent.errors import InvalidInput
from assent.screen.categories import BY_CODE
from assent.screen.labels import own_school, school_of, table
from assent.screen.lessons import Example, School

__all__ = ["read_texts", "sources_in"]

_ENDINGS = (".csv", ".csv.zst", ".jsonl", ".parquet")


def read_texts(paths: Sequence[Path]) -> tuple[list[Example], list[School]]:
    """Read labelled texts. A directory is searched for files; one whose name begins with that of a
    known set (`uci.dev.csv.zst`) is read as that set, any other as the operator's own.

    Raises:
        InvalidInput: a file cannot be read, or a row has a label that nobody knows.
    """
    examples: list[Example] = []
    schools: dict[str, School] = {}
    for path in _files(paths):
        name = path.name.split(".")[0]
        rows = list(_rows(path))
        if name in table():
            found = [_known(name, row) for row in rows]
            schools[name] = school_of(name)
        else:
            found = [_own(path, name, number, row) for number, row in enumerate(rows, 1)]
            schools[name] = own_school(name, [one.label for one in found])
        examples += found
    if not examples:
        raise InvalidInput(
            "no_texts", "no labelled text was found", field="texts",
            mend=f"give files that end in {', '.join(_ENDINGS)}, with columns text and label",
        )  # fmt: skip
    return examples, list(schools.values())


def sources_in(paths: Sequence[Path]) -> list[dict[str, str]]:
    """Return what a model card says of the sets among `paths`."""
    told = []
    for path in _files(paths):
        name = path.name.split(".")[0]
        known = table().get(name, {})
        told.append({
            "name": name, "file": path.name, "source": known.get("source", "the operator's own"),
            "licence": known.get("licence", "the operator's own"),
        })  # fmt: skip
    return told


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            found += sorted(one for one in path.iterdir() if one.name.endswith(_ENDINGS))
        else:
            found.append(path)
    return found


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    try:
        if path.name.endswith(".jsonl"):
            with path.open(encoding="utf-8") as lines:
                yield from (json.loads(line) for line in lines if line.strip())
            return
        yield from _table(path).to_pylist()
    except (OSError, ValueError, arrow.ArrowException) as error:
        raise InvalidInput(
            "texts_unreadable", f"{path.name}: {type(error).__name__}", field="texts",
            mend="give UTF-8 CSV with a heading, JSON lines, or Parquet",
        ) from None  # fmt: skip


def _table(path: Path) -> Any:
    if path.name.endswith(".parquet"):
        return arrow_parquet.read_table(path)
    packed = "zstd" if path.name.endswith(".zst") else None
    text = arrow.string()
    columns = dict.fromkeys(("text", "label", "category", "cluster", "sender"), text)
    with arrow.input_stream(path, compression=packed) as stream:
        return arrow_csv.read_csv(
            stream,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                column_types=columns, strings_can_be_null=False
            ),
        )


def _known(name: str, row: dict[str, Any]) -> Example:
    known = table()[name]
    label = str(row[known["column"]])
    if label not in known["teaches"]:
        label = str(row["label"])
    return Example(str(row["text"]), name, label, str(row.get("cluster") or ""))


def _own(path: Path, name: str, number: int, row: dict[str, Any]) -> Example:
    label = str(row.get("category") or row.get("label") or "")
    if "text" not in row or (label not in BY_CODE and label not in ("ham", "spam")):
        raise InvalidInput(
            "label_unknown", f"{path.name}, row {number}: the label {label!r} is unknown",
            field="label", mend="labels are ham, spam or a category (assent model card)",
        )  # fmt: skip
    return Example(str(row["text"]), name, label, str(row.get("cluster") or ""))
