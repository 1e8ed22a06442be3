"""The index of signatures as files, so that a process that starts need not read millions of rows.

Each segment is a file of its own that never changes, with its checksum; `index.near` lists them,
and has one, too. What the database holds counts: a file that is missing, damaged or of another
database is named, and the index is built anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final
from weakref import WeakKeyDictionary

from assent.screen.near import Index, Segment, damaged

_LIST: Final = "index.near"
_SUFFIX: Final = ".segment"
_VERSION: Final = 1


class NearFiles:
    """The files of one index in a directory of their own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._names: WeakKeyDictionary[Segment, str] = WeakKeyDictionary()

    def save(self, index: Index, marks: Mapping[str, Any]) -> int:
        """Write what is new, durably, then the list; remove what it names no more. Return how many
        segments were written. `marks`: what else :meth:`load` is to return. Raises OSError."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = 0
        for segment in index.segments:
            if segment not in self._names:
                data = segment.dump()
                name = sha256(data).hexdigest()[:32] + _SUFFIX
                self._write(name, data)
                self._names[segment] = name
                written += 1
        names = [self._names[segment] for segment in index.segments]
        told = {
            "version": _VERSION,
            "segments": names,
            "dropped": index.dropped,
            "marks": dict(marks),
        }
        body = json.dumps(told, sort_keys=True).encode()
        self._write(_LIST, sha256(body).hexdigest().encode() + b"\n" + body)
        for path in self._directory.glob(f"*{_SUFFIX}"):
            if path.name not in names:
                path.unlink(missing_ok=True)
        return written

    def load(self) -> tuple[Index, dict[str, Any]] | None:
        """Return the index and its marks; None where nothing was saved yet. Raises InvalidInput
        `near_file` naming what is damaged or missing."""
        place = self._directory / _LIST
        try:
            digest, _, body = place.read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError:
            raise damaged(str(place)) from None
        if sha256(body).hexdigest().encode() != digest:
            raise damaged(str(place))
        told = json.loads(body)
        if told["version"] != _VERSION:
            raise damaged(str(place))
        segments = []
        for name in told["segments"]:
            path = self._directory / name
            try:
                segment = Segment.load(path.read_bytes(), str(path))
            except OSError:
                raise damaged(str(path)) from None
            self._names[segment] = name
            segments.append(segment)
        index = Index(segments)
        index.drop(told["dropped"])
        return index, told["marks"]

    def _write(self, name: str, data: bytes) -> None:
        new = self._directory / f"{name}.new"
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._directory / name)
        handle = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
