"""Models kept in a directory: `VERSION.npz` with its card, and `active.json` that says which one
is in force, which judges beside it, and what was in force before."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from assent.errors import Conflict, InvalidInput, NotFound
from assent.screen.card import card_of, card_text
from assent.screen.model import Model
from assent.screen.weights import Weights, digest_of, read_weights, write_weights

__all__ = ["Kept"]

_VERSION: Final = re.compile(r"[a-z0-9][a-z0-9.-]{0,60}")


class Kept:
    """The models of one directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def put(self, weights: Weights) -> dict[str, Any]:
        """Keep a new model with its card; return the card.

        Raises:
            InvalidInput: its version is no name. Conflict: there is one of that name.
        """
        version = str(weights.about["version"])
        if not _VERSION.fullmatch(version):
            raise InvalidInput(
                "bad_version", f"{version!r} is no version", field="version",
                mend="small letters, digits, dots and hyphens",
            )  # fmt: skip
        path = self._path(version)
        if path.exists():
            raise Conflict("model_there", f"{version} is kept already", field="version")
        octets = write_weights(weights)
        card = card_of(read_weights(octets).about, digest_of(octets), len(octets))
        self.directory.mkdir(parents=True, exist_ok=True)
        _write(path.with_suffix(".json"), json.dumps(card, ensure_ascii=False, indent=1).encode())
        _write(path.with_suffix(".md"), card_text(card).encode())
        _write(path, octets)
        return card

    def versions(self) -> list[str]:
        """Return the versions, by name."""
        return sorted(path.name.removesuffix(".npz") for path in self.directory.glob("*.npz"))

    def model(self, version: str) -> Model:
        """Return a model.

        Raises:
            NotFound: it is not kept here.
        """
        path = self._path(version)
        if not path.exists():
            raise NotFound(
                "no_such_model", f"{version} is not kept in {self.directory.name}",
                field="version", mend="assent model list",
            )  # fmt: skip
        return Model.load(path)

    def card(self, version: str) -> dict[str, Any]:
        """Return a model's card."""
        self.model(version)
        card: dict[str, Any] = json.loads(self._path(version).with_suffix(".json").read_bytes())
        return card

    def state(self) -> dict[str, Any]:
        """Return which model is in force (None: the packaged one), which judges beside it, and
        those in force before, the latest last."""
        path = self.directory / "active.json"
        if not path.exists():
            return {"active": None, "shadow": None, "before": []}
        state: dict[str, Any] = json.loads(path.read_bytes())
        return state

    def activate(self, version: str) -> dict[str, Any]:
        """Put a model in force."""
        self.model(version)
        state = self.state()
        if state["active"] == version:
            return state
        state["before"].append(state["active"])
        state["active"] = version
        if state["shadow"] == version:
            state["shadow"] = None
        return self._keep(state)

    def roll_back(self) -> dict[str, Any]:
        """Put in force again what was before.

        Raises:
            Conflict: nothing was.
        """
        state = self.state()
        if not state["before"]:
            raise Conflict("nothing_before", "no other model was in force before", field="version")
        state["active"] = state["before"].pop()
        return self._keep(state)

    def shadow(self, version: str | None) -> dict[str, Any]:
        """Let a model judge beside the one in force, or none."""
        if version is not None:
            self.model(version)
        return self._keep({**self.state(), "shadow": version})

    def active(self) -> Model:
        """Return the model in force."""
        version = self.state()["active"]
        return Model.packaged() if version is None else self.model(version)

    def _keep(self, state: dict[str, Any]) -> dict[str, Any]:
        _write(self.directory / "active.json", json.dumps(state).encode())
        return state

    def _path(self, version: str) -> Path:
        return self.directory / f"{version}.npz"


def _write(path: Path, octets: bytes) -> None:
    """Write a file at once: whoever reads sees the old one or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(octets)
    new.replace(path)
