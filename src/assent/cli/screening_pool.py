"""Screening many rows: in portions, on several processes when there are many, in their order."""

from __future__ import annotations

import itertools
import json
import multiprocessing
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache
from typing import Any, Final

from assent.cli.screening_rows import Row
from assent.screen.finding import Finding
from assent.screen.verdict import Screened, Screener, Text

__all__ = ["answers", "screener"]

PORTION: Final = 2_000
_ALONE: Final = 2
"""Portions that one process does by itself; starting others takes longer."""


@cache
def screener() -> Screener:
    """Return this process's screener."""
    return Screener.packaged()


def answers(
    rows: Iterable[Row], processes: int, explain: bool = False, price: float | None = None
) -> Iterator[list[dict[str, Any]]]:
    """Yield the answers to rows, a portion at a time, in their order."""
    source = iter(rows)
    portions = iter(lambda: list(itertools.islice(source, PORTION)), [])
    for portion in itertools.islice(portions, _ALONE if processes > 1 else None):
        yield judged(portion, explain, price)
    rest = next(portions, None)
    if rest is None:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        waiting: deque[Future[list[dict[str, Any]]]] = deque()
        for portion in itertools.chain([rest], portions):
            waiting.append(pool.submit(judged, portion, explain, price))
            if len(waiting) > 2 * processes:  # so that memory stays the same
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def judged(portion: list[Row], explain: bool, price: float | None) -> list[dict[str, Any]]:
    """Screen a portion; a bad row's answer is its error."""
    texts = [row.text for row in portion if row.text is not None]
    found = iter(screener().screen(texts))
    answers: list[dict[str, Any]] = []
    for row in portion:
        if row.text is None:
            answers.append({"row": row.number, "error": row.error})
            continue
        answer = told(next(found), price)
        if explain:
            answer["explained"] = explained(row.text)
        answers.append(answer)
    return answers


def told(one: Screened, price: float | None) -> dict[str, Any]:
    """Return a screening as plain values."""
    answer: dict[str, Any] = {
        "purpose": one.purpose.name.lower(),
        "category": one.category,
        "spam_probability": round(one.spam_probability, 4),
        "verdict": one.verdict,
        "findings": [_finding(finding) for finding in one.findings],
        "links": [
            {"text": link.text, "url": link.url, "host": link.host, "kind": link.kind,
             "span": list(link.span)}
            for link in one.links
        ] + [
            {"text": contact.value, "url": None, "host": None, "kind": contact.kind,
             "span": list(contact.span)}
            for contact in one.contacts
        ],
        "segments": one.segments,
    }  # fmt: skip
    if price is not None:
        answer["cost"] = round(one.segments * price, 4)
    return answer


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code,
        "severity": finding.severity.name.lower(),
        "span": list(finding.spans[0]) if finding.spans else None,
        "words": finding.en,
        "zh": finding.zh,
        "spans": [list(span) for span in finding.spans],
        "owner": finding.owner,
    }


def explained(text: Text) -> dict[str, Any]:
    """Return what each part said of a text."""
    return screener().explain(text)


def line(answer: dict[str, Any]) -> str:
    """Return an answer as a line of JSON."""
    return json.dumps(answer, ensure_ascii=False)
