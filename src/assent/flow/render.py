"""From a batch's content and variables to the texts of its messages."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from assent.errors import InvalidInput
from assent.text import Writing

_PLACEHOLDER: Final = re.compile(r"\{([^{}]{1,64})\}")


def placeholders(content: str) -> list[str]:
    """Return the variable names of a text in order of appearance, each once."""
    return list(dict.fromkeys(_PLACEHOLDER.findall(content)))


class Rendering:
    """Makes the text of any message of a batch.

    `variables` holds one list of strings a name, all as long as the batch; names that the
    content does not use are ignored. Raises InvalidInput (`missing_variable`) for a name that
    the content uses and `variables` lacks.
    """

    def __init__(self, content: str, variables: Mapping[str, Sequence[str]] | None) -> None:
        pieces = _PLACEHOLDER.split(content) if variables else [content]
        self._columns: list[Sequence[str]] = []
        for place in range(1, len(pieces), 2):
            column = (variables or {}).get(pieces[place])
            if column is None:
                raise InvalidInput(
                    "missing_variable",
                    f"the text uses {{{pieces[place]}}} but no such variable was given",
                    field=f"variables.{pieces[place]}",
                    mend="give a value for it to every recipient, or remove it from the text",
                )
            self._columns.append(column)
        self.fixed = not self._columns
        # Literal pieces with a %s between them: filled in about a third of a microsecond.
        self._form = "%s".join(piece.replace("%", "%%") for piece in pieces[::2])
        self._content = content

    def text(self, index: int) -> str:
        """Return the text of message `index`."""
        if self.fixed:
            return self._content
        return self._form % tuple([column[index] for column in self._columns])

    def texts(self, count: int) -> list[str]:
        """Return the texts of the first `count` messages."""
        if self.fixed:
            return [self._content] * count
        form = self._form
        return [form % values for values in islice(zip(*self._columns, strict=True), count)]


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
    """Return what the variables of each message put into its text, as one string."""
    if not variables:
        return None
    columns = list(variables.values())
    if len(columns) == 1:
        return list(columns[0])
    return ["\x1f".join(row) for row in zip(*columns, strict=True)]
