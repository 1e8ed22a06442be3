"""How many segments the messages of an order take, and what is put into them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from assent.flow.render import Rendering
from assent.text import Writing


def segments_of(
    text: str,
    variables: Mapping[str, list[str]] | None,
    writings: list[Writing],
    carriers: npt.NDArray[np.int16],
) -> npt.NDArray[np.uint8]:
    """Return how many segments each message takes on its receiver's carrier; for whom there is no
    route, on the first."""
    first = writings[0]
    segments = _counted(first, Rendering(first.own(text), variables), len(carriers))
    for place, writing in enumerate(writings):
        chosen = np.flatnonzero(carriers == place) if writing != first else ()
        if len(chosen):
            counts = _counted(writing, Rendering(writing.own(text), variables), len(carriers))
            segments[chosen] = counts[chosen]
    return segments


def _counted(writing: Writing, rendering: Rendering, n: int) -> npt.NDArray[np.uint8]:
    if rendering.fixed:
        return np.repeat(writing.counts([rendering.text(0)]), n)
    return writing.counts(rendering.texts(n))


def values_of(variables: Mapping[str, list[str]] | None) -> list[str] | None:
    """Return what is put into each message's text, None for a fixed text."""
    if not variables:
        return None
    columns = list(variables.values())
    if len(columns) == 1:
        return list(columns[0])
    return ["\x1f".join(row) for row in zip(*columns, strict=True)]
