"""Log lines as JSON objects, one a line, whatever the rest of the process configured."""

from __future__ import annotations

import logging
import sys
from typing import Any, BinaryIO

import msgspec
import structlog


def json_logger(file: BinaryIO | None = None) -> Any:
    """Return a structlog logger that writes JSON lines, to standard error if not told where."""
    return structlog.wrap_logger(
        structlog.BytesLogger(file if file is not None else sys.stderr.buffer),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.JSONRenderer(_dumps),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET),
    ).bind()  # once: a logger that is not bound yet is bound anew for each line


def _dumps(event: dict[str, Any], **_: Any) -> bytes:
    return msgspec.json.encode(event)
