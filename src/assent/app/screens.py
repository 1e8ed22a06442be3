"""What texts are screened with: the packaged model, words, lists and rules, or an operator's."""

from __future__ import annotations

from collections.abc import Callable

from assent.app.screening_file import ScreeningFile
from assent.flow.screened import Screens
from assent.flow.settings_log import canonical


def loader_of(file: ScreeningFile) -> Callable[[], Screens] | None:
    """Return what reads them; None where texts are not screened."""
    return None


def screening_document(screens: Screens) -> bytes:
    """Return what texts are screened with, as a canonical document for the ledger."""
    return canonical({"digest": screens.digest})
