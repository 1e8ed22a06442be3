"""What a person sees while it runs: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

Tell = Callable[[int, int], None]
"""Called with how many are done, and of how many."""


class Show:
    """Tells what happens on a console; `elapsed()` gives seconds since the beginning."""

    def __init__(self, console: Console, elapsed: Callable[[], float]) -> None:
        self.console = console
        self._elapsed = elapsed

    def say(self, words: str) -> None:
        """Tell one thing that happened."""
        self.console.print(
            f"[dim]{self._elapsed():5.1f} s[/]  {words}", highlight=False, soft_wrap=True
        )

    @contextmanager
    def progress(self, words: str) -> Iterator[Tell]:
        """Tell how far a long work is: call what this yields with the counts."""
        if not self.console.is_terminal:
            self.say(words)
            yield lambda done, total: None
            return
        bar = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            refresh_per_second=5,
        )
        with bar:
            task = bar.add_task(words, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
        self.say(words)
