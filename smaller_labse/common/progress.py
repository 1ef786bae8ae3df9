"""Progress of long work: a live bar on a terminal, a plain line now and then when piped."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

from smaller_labse.common.visible_text import drawing_stream, visible, visible_output

SECONDS_BETWEEN_LINES = 15.0
WIDE = 100  # columns: in fewer, words and numbers leave no room for a bar


def announce(step: str) -> None:
    """Say on standard error, before it begins, what will take a while: "loading work/model" and an ellipsis.

    What is wrong with the arguments has been said before, so that a mistake is one line.
    """
    print(f"{visible(step)} …", file=sys.stderr, flush=True)


class Advance(Protocol):
    """Reports that more of the work is done."""

    def __call__(self, amount: int) -> None: ...


class Bar(Advance, Protocol):
    """A shown progress, whose description may change on the way."""

    def describe(self, description: str) -> None: ...

    def begin_at(self, amount: int) -> None:
        """Say how much was done before, by an earlier run; the rate is of what comes now."""
        ...

    def expect(self, seconds: float) -> None:
        """Say how long the rest will take, where the amount does not tell, as a clock decides."""
        ...


@contextmanager
def progress(description: str, total: int | None, unit: str) -> Iterator[Bar]:
    """Show how far some work is, how fast it goes and how long it will take, on standard error.

    Args:
        description: what is being done, e.g. "counting French (fr), language 2 of 15".
        total: how many units there are; None where nobody knows.
        unit: the name of one step, in the plural, e.g. "lines".

    Yields:
        A function to call with the number of units done since the last call; its `describe` says anew what
        is being done.

    Example:
        with progress("counting French (fr), language 2 of 15", total=1000, unit="lines") as advance:
            for batch in batches:
                advance(len(batch))
    """
    if sys.stderr.isatty():
        with _terminal_bar(description, total, unit) as advance:
            yield advance
    else:
        yield _PlainLines(description, total, unit)


@contextmanager
def _terminal_bar(description: str, total: int | None, unit: str) -> Iterator[Bar]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
    from rich.table import Column
    from rich.text import Text

    class Done(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.percentage:.0f}%" if task.total else f"{task.completed:,.0f} {unit}")

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            return Text(f"{task.speed:,.0f} {unit}/s" if task.speed else "")

    class Left(TimeRemainingColumn):
        def render(self, task: Task) -> Text:
            ends: float | None = task.fields["ends"]
            if ends is None:
                return super().render(task)
            left = timedelta(seconds=round(max(0.0, ends - time.monotonic())))
            return Text(str(left), style="progress.remaining")

    console = Console(file=drawing_stream(sys.stderr))
    said = TextColumn("{task.description}", markup=False, table_column=Column(overflow="fold"))
    drawn = [BarColumn(bar_width=10)] if console.width >= WIDE else []
    with (
        Progress(said, *drawn, Done(), Rate(), Left(), console=console, transient=True) as bar,
        visible_output(),
    ):
        yield _TerminalBar(bar, bar.add_task(visible(description), total=total, ends=None))


class _TerminalBar:
    """A live bar of rich's."""

    def __init__(self, bar: RichProgress, task: TaskID) -> None:
        self.bar, self.task = bar, task

    def __call__(self, amount: int) -> None:
        self.bar.advance(self.task, amount)

    def describe(self, description: str) -> None:
        self.bar.update(self.task, description=visible(description))

    def begin_at(self, amount: int) -> None:
        self.bar.reset(self.task, completed=amount)

    def expect(self, seconds: float) -> None:
        self.bar.update(self.task, ends=time.monotonic() + seconds)


class _PlainLines:
    """Prints a line when enough time has passed since the last one; short work prints nothing."""

    def __init__(self, description: str, total: int | None, unit: str) -> None:
        self.description, self.total, self.unit = description, total, unit
        self.done = self.before = 0
        self.seconds_left: float | None = None
        self.started = self.printed = time.monotonic()

    def describe(self, description: str) -> None:
        self.description = description

    def begin_at(self, amount: int) -> None:
        self.done = self.before = amount

    def expect(self, seconds: float) -> None:
        self.seconds_left = seconds

    def __call__(self, amount: int) -> None:
        self.done += amount
        now = time.monotonic()
        if now - self.printed < SECONDS_BETWEEN_LINES:
            return
        self.printed = now
        rate = (self.done - self.before) / (now - self.started)
        line = f"{visible(self.description)}: {self.done:,}"
        line += f" of {self.total:,} {self.unit}" if self.total else f" {self.unit}"
        line += f", {rate:,.0f} {self.unit}/s"
        left = self.seconds_left
        if left is None and self.total and rate:
            left = max(0.0, self.total - self.done) / rate
        if left is not None:
            line += f", {left:,.0f} s left"
        print(line, file=sys.stderr, flush=True)
