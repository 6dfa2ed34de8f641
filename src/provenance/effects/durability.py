"""What stored bytes must survive, and when they are checked."""

from enum import Enum


class Durability(Enum):
    """The failures that stored bytes survive once a store has answered."""

    PROCESS = "process"
    """The end of the process, however sudden."""
    POWER = "power"
    """The loss of power as well; each write waits for the device."""


class Compared(Enum):
    """When the bytes of a file are compared with their digest."""

    CHANGED = "changed"
    """When they are read: a large file once in a process, and again when it has changed."""
    ALWAYS = "always"
    """Each time they are read."""
    SIZE = "size"
    """Check the size only. For disks with their own integrity checks and a single writer."""
