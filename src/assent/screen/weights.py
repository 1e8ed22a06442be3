"""Learned weights as they lie in a file: hashed features, whole numbers, no text.

A file is a ZIP of arrays (`numpy.load`) without pickled objects: `about` is JSON that says what it
is and what it was learned from.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from assent.errors import InvalidInput
from assent.screen.grams import BITS

__all__ = ["F32", "FORMAT", "Part", "Weights", "read_weights", "write_weights"]

F32 = NDArray[np.float32]
FORMAT: Final = "assent-kinds-1"
_STEPS: Final = 127


@dataclass(frozen=True, slots=True)
class Part:
    """One head. `labels`; `weights`: [features of the model, distances]; `offset`; `turn` and
    `shift`: scores = distances @ turn + shift."""

    name: str
    labels: tuple[str, ...]
    weights: F32
    offset: F32
    turn: F32
    shift: F32


@dataclass(frozen=True, slots=True)
class Weights:
    """A whole model. `kept`: its features, ascending; `rarity`: of each. `parts`: its heads.
    `about`: what else is known of it, as JSON holds it."""

    kept: NDArray[np.uint32]
    rarity: F32
    parts: tuple[Part, ...]
    about: dict[str, Any]


def _packed(values: F32) -> tuple[NDArray[np.int8], F32]:
    """Return whole numbers of the square roots, and each column's largest value: small weights
    are many and matter together, so they get more steps than large ones."""
    most = np.maximum(np.abs(values).max(axis=0, initial=0), 1e-12).astype(np.float32)
    root = np.sign(values) * np.sqrt(np.abs(values) / most)
    return np.round(root * _STEPS).astype(np.int8), most


def _unpacked(steps: NDArray[np.int8], most: F32) -> F32:
    root = steps.astype(np.float32) / np.float32(_STEPS)
    return np.asarray(np.sign(root) * root**2 * most, np.float32)


def write_weights(weights: Weights) -> bytes:
    """Return the file's octets; the same weights give the same octets."""
    arrays: dict[str, NDArray[Any]] = {
        "kept": np.diff(weights.kept, prepend=np.uint32(0)).astype(np.uint32),
        "rarity": np.round(weights.rarity * 16).astype(np.uint8),
    }
    parts = []
    for number, part in enumerate(weights.parts):
        parts.append({"name": part.name, "labels": list(part.labels)})
        steps, most = _packed(part.weights)
        used = np.flatnonzero(np.any(steps != 0, axis=1)).astype(np.uint32)
        arrays[f"used{number}"] = np.diff(used, prepend=np.uint32(0)).astype(np.uint32)
        arrays[f"steps{number}"] = steps[used]
        arrays[f"most{number}"] = most
        for name in ("offset", "turn", "shift"):
            arrays[f"{name}{number}"] = np.asarray(getattr(part, name), np.float32)
    about = {**weights.about, "format": FORMAT, "bits": BITS, "parts": parts}
    told = json.dumps(about, ensure_ascii=False, sort_keys=True).encode()
    out = io.BytesIO()
    # The stub takes names that it does not know for its own option.
    np.savez_compressed(out, about=np.frombuffer(told, np.uint8), **arrays)  # type: ignore[arg-type]
    return out.getvalue()


def read_weights(octets: bytes) -> Weights:
    """Read a file's octets.

    Raises:
        InvalidInput: they are no model, or one that this version does not know.
    """
    try:
        with np.load(io.BytesIO(octets), allow_pickle=False) as file:
            about = json.loads(file["about"].tobytes())
            if about.get("format") != FORMAT or about.get("bits") != BITS:
                raise ValueError(f"its format is {about.get('format')!r}, not {FORMAT!r}")
            kept = np.cumsum(file["kept"], dtype=np.uint32)
            parts = tuple(
                _part(file, number, told, kept.size) for number, told in enumerate(about["parts"])
            )
            rarity = file["rarity"].astype(np.float32) / 16
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InvalidInput(
            "bad_model", f"not a model of kinds: {error}", field="model",
            mend="give a file that `assent model train` wrote",
        ) from None  # fmt: skip
    return Weights(kept, rarity, parts, about)


def _part(file: Any, number: int, told: dict[str, Any], size: int) -> Part:
    used = np.cumsum(file[f"used{number}"], dtype=np.uint32)
    some = _unpacked(file[f"steps{number}"], file[f"most{number}"])
    full = np.zeros((size, some.shape[1]), np.float32)
    full[used] = some
    return Part(
        told["name"], tuple(told["labels"]), full,
        file[f"offset{number}"], file[f"turn{number}"], file[f"shift{number}"],
    )  # fmt: skip


def digest_of(octets: bytes) -> bytes:
    """Return what a screening names the model by."""
    return hashlib.sha256(octets).digest()
