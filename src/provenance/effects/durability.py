"""What stored bytes must survive."""

from enum import Enum


class Durability(Enum):
    """What is safe once a store has answered."""

    PROCESS = "process"
    """It survives the end of the process, however sudden."""
    POWER = "power"
    """It survives the loss of power as well; each write waits for the device."""
