"""A process that forks and compares its run with its child's; run as `python -m effects.system.forked_run describe FOLDER`."""

import os

from provenance.effects.system.process import SystemClock, ThisMachine


def describe() -> None:
    """A child has another run than its parent, whose run stays."""
    machine = ThisMachine(SystemClock())
    before = machine.current_run()
    child = os.fork()
    if child == 0:
        mine = machine.current_run()
        os._exit(0 if mine.id != before.id and mine.process["pid"] == os.getpid() else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert before is machine.current_run()


if __name__ == "__main__":
    describe()
