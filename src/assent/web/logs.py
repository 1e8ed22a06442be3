"""Log lines as JSON objects, one a line, whatever the rest of the process configured."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, BinaryIO

import msgspec
import structlog


def json_logger(file: BinaryIO | None = None) -> Any:
    """Return a structlog logger that writes JSON lines, to standard error if not told where."""
    # Bound once: a logger that is not bound yet is bound anew for each line.
    return structlog.wrap_logger(
        _Lines(file if file is not None else sys.stderr.buffer),
        processors=[_render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    ).bind()


class _Lines:
    """Writes lines, each at once, from one thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def msg(self, line: bytes) -> None:
        """Write a line, whatever its level."""
        self._file.write(line + b"\n")
        self._file.flush()

    info = warning = error = msg


def _render(_logger: Any, level: str, event: MutableMapping[str, Any]) -> bytes:
    event["level"] = level
    return msgspec.json.encode(event)
