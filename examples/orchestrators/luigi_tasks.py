"""Luigi: a task is complete if its call is a hit, so there are no target files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import luigi
from steps import load, train

Call = tuple[Any, tuple[object, ...]]


class CallTask(luigi.Task):
    """A task that calls a decorated function."""

    def call(self) -> Call:
        """Return the function and its arguments."""
        raise NotImplementedError

    def complete(self) -> bool:
        """Tell whether the result is stored, and those of the tasks that this one requires."""
        if not all(task.complete() for task in luigi.task.flatten(self.requires())):
            return False
        function, arguments = self.call()
        return function.is_cached(*arguments)

    def result(self) -> object:
        """Return the result: a hit once the task is complete."""
        function, arguments = self.call()
        return function(*arguments)

    run: Callable[..., object] = result


class Load(CallTask):
    """Load the numbers of a day."""

    day = luigi.Parameter()

    def call(self) -> Call:
        """Return the call of `load`."""
        return load, (self.day,)


class Train(CallTask):
    """Train with a rate."""

    day = luigi.Parameter()
    rate = luigi.FloatParameter()

    def requires(self) -> Load:
        """Return what the numbers come from."""
        return Load(day=self.day)

    def call(self) -> Call:
        """Return the call of `train`, with an unread result as its argument."""
        return train, (self.requires().result(), self.rate)


if __name__ == "__main__":
    tasks = [Train(day="2026-11-28", rate=rate) for rate in (0.1, 0.2)]
    luigi.build(tasks, local_scheduler=True, workers=2)
    print([task.result() for task in tasks])
