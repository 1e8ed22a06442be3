"""How right screening is on labelled texts: what the command line prints, against the labels.

A set's rows are those whose cluster falls into its validation part (every fifth, by hash), so that
no text is scored beside its near-duplicates. The packaged model has learned from all of them: these
figures say that the whole road works, and what it holds; how well the model does on what it has not
seen stands in its card. Kinds are mapped onto a set's labels by the packaged table.
"""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib import resources
from pathlib import Path
from statistics import NormalDist
from typing import Any, Final

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data" / "sms"
SETS: Final = ("mudou", "fbs", "zh80w", "zh80w6", "uci", "exais", "smish5971")
_LOST: Final = 0.005
_Z: Final = NormalDist().inv_cdf(0.975)


def run(most: int, sets: int = len(SETS)) -> dict[str, Any]:
    """Return the scores of the first so many sets, of those that are there."""
    table = resources.files("assent").joinpath("data/screen/labels-2026.1.json")
    labels = json.loads(table.read_bytes())["sets"]
    found = {}
    for name in SETS[:sets]:
        path = DATA / f"{name}.dev.csv.zst"
        if path.exists():
            rows = validation(path, most)
            answers = screened([row["text"] for row in rows])
            found[name] = scores(rows, answers, labels[name])
    return found


def validation(path: Path, most: int) -> list[dict[str, str]]:
    """Return rows of a set's validation part."""
    import zstandard

    with path.open("rb") as packed:
        table = io.TextIOWrapper(
            zstandard.ZstdDecompressor().stream_reader(packed), "utf-8", newline=""
        )
        return list(_picked(csv.DictReader(table), most))


def _picked(rows: csv.DictReader[str], most: int) -> Iterator[dict[str, str]]:
    taken = 0
    for row in rows:
        if taken < most and zlib.crc32(row["cluster"].encode()) % 5 == 0 and row["text"].strip():
            taken += 1
            yield row


def screened(texts: Sequence[str]) -> list[dict[str, Any]]:
    """Return what the command prints of each text."""
    lines = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    done = subprocess.run(
        [sys.executable, "-m", "assent.app.main", "screen", "--json", "--format", "jsonl", "-"],
        input=lines.encode(),
        capture_output=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr.decode()[-500:] or done.stdout.decode()[-500:])
    return [json.loads(line) for line in done.stdout.splitlines()]


def scores(
    rows: Sequence[dict[str, str]], found: Sequence[dict[str, Any]], labels: dict[str, Any]
) -> dict[str, Any]:
    """Return a set's figures."""
    ham = [one for row, one in zip(rows, found, strict=True) if row["label"] == "ham"]
    spam = [one for row, one in zip(rows, found, strict=True) if row["label"] == "spam"]
    told: dict[str, Any] = {"ham": len(ham), "spam": len(spam)}
    if ham:
        verdicts = Counter(one["verdict"] for one in ham)
        told["ham_held"] = interval(verdicts["hold"], len(ham))
        told["ham_rejected"] = interval(verdicts["reject"], len(ham))
        told["ham_called_spam"] = interval(
            sum(one["spam_probability"] >= 0.5 for one in ham), len(ham)
        )
    if spam:
        stopped = sum(one["verdict"] != "allow" for one in spam)
        told["spam_stopped"] = interval(stopped, len(spam))
        told["spam_called_spam"] = interval(
            sum(one["spam_probability"] >= 0.5 for one in spam), len(spam)
        )
    if ham and spam:
        scored = sorted((one["spam_probability"] for one in ham), reverse=True)
        least = scored[int(len(ham) * _LOST)]
        caught = sum(one["spam_probability"] > least for one in spam)
        told["spam_at_half_percent_of_ham"] = interval(caught, len(spam))
    return told | _kinds(rows, found, labels)


def _kinds(
    rows: Sequence[dict[str, str]], found: Sequence[dict[str, Any]], labels: dict[str, Any]
) -> dict[str, Any]:
    """Return how well the kinds, mapped onto the set's labels, agree with them."""
    names = set(labels["scores"].values())
    column = "label" if names <= {"ham", "spam"} else labels["column"]
    pairs = [
        (row[column], labels["scores"].get(one["category"], "none"))
        for row, one in zip(rows, found, strict=True)
    ]
    each = {}
    for name in {truth for truth, _ in pairs}:
        right = sum(truth == said == name for truth, said in pairs)
        wrong = sum((truth == name) != (said == name) for truth, said in pairs)
        each[name] = 2 * right / (2 * right + wrong)
    return {"macro_f1": sum(each.values()) / len(each), "labels": len(each)}


def interval(hits: int, of: int) -> str:
    """Return a share with Wilson's 95 % interval."""
    share = hits / of
    middle = (share + _Z**2 / (2 * of)) / (1 + _Z**2 / of)
    half = _Z / (1 + _Z**2 / of) * (share * (1 - share) / of + _Z**2 / (4 * of**2)) ** 0.5
    return f"{share:.4f} [{max(middle - half, 0):.4f}, {min(middle + half, 1):.4f}]"
