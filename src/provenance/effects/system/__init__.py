"""`effects.system` asks the machine: the clock, processes, local files and threads."""
