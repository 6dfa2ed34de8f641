"""Ctrl-C at any moment; run as `python -m trust.interrupting CONFIG TIMES SEED`.

A timer interrupts the main thread as the keyboard does, and the same process goes on: nothing may be stuck, lost or half done.
"""

import json
import random
import signal
import sys
import threading

import provenance as p
from trust.killing import CALLS, KEYS, check, large, parts, small, step


def do_all(x: int) -> None:
    """Do each thing that a step may do, so that nothing is left to be imported.

    An interrupted import can leave a module of Python's own half there for good, whoever imports it.
    """
    for name in CALLS:
        check(x, name)
    with p.capture_set({"x": x}):
        large.recompute(small(x), x)
    small.forget(x)


def interrupt(*_: object) -> None:
    """What the interpreter does at Ctrl-C."""
    raise KeyboardInterrupt


def interrupted_step(chance: random.Random) -> bool:
    """Do something, interrupted after at most a few milliseconds; False if it was done before that."""
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.random() * 0.004 + 1e-6)
        step(chance)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BaseException as error:
        # SQLAlchemy may complain of what an interrupt in its own code left half done, in place of the interrupt.
        while not isinstance(error, KeyboardInterrupt):
            if error.__context__ is None:
                raise
            error = error.__context__
        return True
    return False


def main(config: str, times: int, seed: int) -> None:
    """Be interrupted so many times; print what is left to complain of."""
    p.load_config(json.loads(config))
    chance = random.Random(seed)
    do_all(KEYS)
    signal.signal(signal.SIGALRM, interrupt)
    done = 0
    while done < times:
        done += interrupted_step(chance)
    signal.setitimer(signal.ITIMER_REAL, 0)
    calls = [
        lambda x=x: (small(x)["x"], len(large(small(x), x)[1]), len(parts(x)["many"]))
        for x in range(KEYS)
    ]
    found = [call() for call in calls]
    elsewhere: list[object] = []
    thread = threading.Thread(target=lambda: elsewhere.extend(call() for call in calls))
    thread.start()
    thread.join(60)
    assert [(x, 150_000, 100_000) for x in range(KEYS)] == found == elsewhere
    sys.stdout.write(json.dumps({"interrupts": done, "problems": [*map(str, p.verify().problems)]}))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
