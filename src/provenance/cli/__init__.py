"""The command `provenance`. Commands ask the public functions of the library and print reports.

A command parses its options, makes a report (`provenance.cli.reports`), and only `reports.print_report`
prints. `app` has the table of commands, each loaded when it is called.
"""

from __future__ import annotations

import sys

from provenance.cli.missing import USAGE, missing_library


def main() -> None:
    """Run the command line of this process."""
    try:
        from provenance.cli.app import run
    except ImportError as error:
        message = missing_library(error)
        if message is None:
            raise
        sys.stderr.write(f"provenance: {message}\n")
        sys.exit(USAGE)
    sys.exit(run(sys.argv[1:]))
