"""The command `provenance`. Commands ask the public functions of the library and print reports.

A command parses its options, makes a report (`provenance.cli.reports`), and only `output.print_report`
prints. `app` has the table of commands, each loaded when it is called.
"""

from __future__ import annotations

import sys

USAGE = 2
"""Exit code for a wrong option or configuration."""


def main() -> None:
    """Run the command line of this process."""
    try:
        from provenance.cli.app import run
    except ImportError as error:
        if error.name is None or error.name.partition(".")[0] not in {"click", "rich"}:
            raise
        message = f"the command line needs {error.name}; install provenance[cli], or click and rich"
        sys.stderr.write(f"provenance: {message}\n")
        sys.exit(USAGE)
    sys.exit(run(sys.argv[1:]))
