"""Reading the projections by COPY: the same as row by row, whatever is in them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from assent.consent.sets import PLATFORM
from assent.flow import projected
from assent.flow.catalogue import Catalogue
from assent.flow.live import Live
from assent.flow.projected import CopyRows
from assent.store import Store

NOW = 1_800_000_000
ROWS = 5_000


async def fill(store: Store, seed: int) -> None:
    """Write standings with all kinds of ends, refusals and pauses, straight into the tables."""
    rng = np.random.default_rng(seed)
    pairs = {(int(rng.zipf(1.3) % 40) + 1, int(rng.integers(1, 3_000))) for _ in range(ROWS)}
    standings = []
    for place, (programme, person) in enumerate(sorted(pairs, key=lambda _: rng.random())):
        end = [
            None, NOW + programme, NOW + int(rng.integers(-(10**6), 10**7)), 0.25 + NOW,
            40 * NOW if programme == 3 else None,
        ][place % 5]  # fmt: skip
        until = None if end is None else datetime.fromtimestamp(min(end, 2**37), UTC)
        standings.append((programme, person, place % 3 + 1, place, until, place % 7 == 0))
    columns = ("programme_id", "person_id", "grade", "position", "until", "fresh")
    await store.copy("standing", columns, standings)
    at = datetime.fromtimestamp(NOW, UTC)
    refusals = {(int(rng.integers(0, 6)), int(rng.integers(1, 900))) for _ in range(800)}
    columns = ("group_id", "person_id", "purposes", "position", "at")
    await store.copy("refusal", columns, [(g, p, 1 + p % 30, 1, at) for g, p in refusals])
    columns = ("position", "group_id", "person_id", "purposes", "reply_id")
    pauses = [(n, n % 4, n % 50 + 1, 1 << n % 3, n) for n in range(200)]
    await store.copy("pause", columns, pauses)


@pytest.mark.parametrize("at_once", [7, 1_000, 1 << 20])
async def test_copied_is_what_the_tables_say(
    fresh_store: Store, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projected, "_AT_ONCE", at_once)
    await fill(fresh_store, at_once)
    live = Live(Catalogue())
    await live.load(fresh_store)
    programmes = list(range(1, 41))
    everyone = np.arange(1, 3_001, dtype=np.uint32)
    rows = await fresh_store.fetch("standing_of_people", programmes, everyone.astype(int).tolist())
    assert len(rows) > ROWS // 2
    for now in (0, NOW, NOW + 1, NOW + 10**6, 41 * NOW):
        expected = {programme: (np.zeros(3_000), np.zeros(3_000)) for programme in programmes}
        for row in rows:
            if row["expires"] == 0 or row["expires"] > now:
                grades, fresh = expected[row["programme_id"]]
                grades[row["person_id"] - 1] = row["grade"]
                fresh[row["person_id"] - 1] = row["fresh"]
        for programme in programmes:
            grades, fresh = live.standings.lookup_fresh(programme, everyone, now)
            assert (grades == expected[programme][0]).all()
            assert (fresh == expected[programme][1]).all()
    for query, found in (("refusals_of_people", live.refusals), ("pauses_of_people", live.pauses)):
        masks: dict[tuple[int, int], int] = {}
        for row in await fresh_store.fetch(query, everyone.astype(int).tolist()):
            masks[row["group_id"], row["person_id"]] = row["purposes"]
        assert masks
        for group in range(7):
            wanted = [
                masks.get((group, person), 0) | masks.get((PLATFORM, person), 0)
                for person in everyone.tolist()
            ]
            assert found.lookup(group, everyone).tolist() == wanted


async def test_empty_tables_are_empty_sets(fresh_store: Store) -> None:
    live = Live(Catalogue())
    await live.load(fresh_store)
    assert (live.position, live.standings.programmes(), live.refusals.groups()) == (0, [], [])


async def test_a_stream_that_is_not_whole_is_refused() -> None:
    head, row, end = b"PGCOPY\n\xff\r\n\x00" + bytes(8), b"\0\1\0\0\0\4\0\0\0\7", b"\xff\xff"
    taken: list[Any] = []

    async def read(*pieces: bytes) -> None:
        reader = CopyRows((("n", ">i4"),), lambda rows: taken.extend(rows["n"].tolist()))
        for piece in pieces:
            await reader.feed(piece)
        reader.finish()

    await read(head + row, row[:3], row[3:] + end)
    await read(head, end)
    assert taken == [7, 7]
    whole = head + row + end
    for wrong in (b"", whole[:-1], whole[:-2], whole + b"x", b"x" + whole, head + row[:-2] + end):
        with pytest.raises(ValueError, match="COPY"):
            await read(wrong)
