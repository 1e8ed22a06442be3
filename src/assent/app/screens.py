"""What texts are screened with: the packaged model, words, lists and rules, or an operator's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assent.app.screening_file import ScreeningFile
from assent.errors import InvalidInput
from assent.flow.screened import Screened, Screens, Text
from assent.flow.settings_log import canonical
from assent.screen.hosts import Hosts
from assent.screen.model import Model
from assent.screen.registry import Registry
from assent.screen.rendered import check_rendered
from assent.screen.verdict import Screener, rules_document
from assent.screen.words import RuleSet


@dataclass(frozen=True, slots=True)
class Screening:
    """A screener as orders use it."""

    screener: Screener

    @property
    def digest(self) -> str:
        """Of everything that it judges by."""
        return self.screener.digest

    def screen(self, texts: Sequence[Text]) -> list[Screened]:
        """Return what was found in each text."""
        return self.screener.screen(texts)

    def rendered(
        self, template: Text, values: Sequence[str], texts: Sequence[str]
    ) -> list[Screened]:
        """Return what was found in each finished text."""
        return check_rendered(self.screener, template, values, texts)


def loader_of(file: ScreeningFile) -> Callable[[], Screens] | None:
    """Return what reads them."""
    return lambda: Screening(_screener(file))


def screening_document(screens: Screens) -> bytes:
    """Return what texts are screened with, as a canonical document for the ledger: names and
    digests."""
    told: dict[str, Any] = {"digest": screens.digest}
    if isinstance(screens, Screening):
        one = screens.screener
        told |= {
            "model": {"version": one.model.version, "digest": one.model.digest.hex()},
            "words": {"version": one.words.version, "digest": one.words.digest},
            "hosts": {"version": one.hosts.registry.version, "digest": one.hosts.digest},
            "rules": one.rules["version"],
        }
    return canonical(told)


def _screener(file: ScreeningFile) -> Screener:
    """Return a screener with an operator's files where there are some, and the packaged ones where
    there are not. Raises InvalidInput for a file that is none."""
    if file.directory is None:
        return Screener.packaged()
    directory = Path(file.directory)
    model, words = _last(directory, "kinds-*.npz"), _last(directory, "words-*.json")
    hosts, rules = _last(directory, "hosts-*.json"), _last(directory, "rules-*.json")
    if not any((model, words, hosts, rules)):
        raise _bad(directory, "there is nothing to screen with in it")
    try:
        document: Mapping[str, Any] = rules_document()
        return Screener(
            Model.packaged() if model is None else Model.load(model),
            RuleSet.packaged() if words is None else RuleSet.load(words),
            Hosts.packaged() if hosts is None else Hosts(Registry.read(hosts.read_bytes())),
            document if rules is None else json.loads(rules.read_bytes()),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _bad(directory, f"{type(error).__name__}: {error}") from error


def tried(file: ScreeningFile, model: Path | None, words: Path | None) -> Callable[[], Screens]:
    """Return what reads the same with another model or other words. Raises InvalidInput for a file
    that is none when it is called."""

    def read() -> Screens:
        one = _screener(file)
        try:
            return Screening(
                Screener(
                    one.model if model is None else Model.load(model),
                    one.words if words is None else RuleSet.load(words),
                    one.hosts,
                    one.rules,
                )
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            path = model if words is None else words
            raise InvalidInput(
                "bad_screening", f"{path}: {type(error).__name__}: {error}",
                field="--model, --words", rule="screening: models",
                mend="name a model (kinds-*.npz) or words (words-*.json)",
            ) from error  # fmt: skip

    return read


def _last(directory: Path, pattern: str) -> Path | None:
    """Return the newest of some files: the one whose name is last."""
    return max(directory.glob(pattern), default=None)


def _bad(directory: Path, words: str) -> InvalidInput:
    return InvalidInput(
        "bad_settings", f"{directory}: {words}", field="screening.directory",
        mend="put kinds-*.npz, words-*.json, hosts-*.json or rules-*.json there, or leave it out",
    )  # fmt: skip
