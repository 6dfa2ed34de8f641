"""What stored bytes must survive, and when it is looked at whether they did."""

from enum import Enum


class Durability(Enum):
    """What is safe once a store has answered."""

    PROCESS = "process"
    """It survives the end of the process, however sudden."""
    POWER = "power"
    """It survives the loss of power as well; each write waits for the device."""


class Compared(Enum):
    """When the bytes of a file are compared with their digest."""

    CHANGED = "changed"
    """When it is read: a large one once in a process, and again when it has changed."""
    ALWAYS = "always"
    """Each time it is read."""
    SIZE = "size"
    """Never, but for their number: for a disk that nothing else writes to, and whose hardware finds its own errors."""
