"""The command `provenance`. Commands ask the public functions of the library and print reports.

A command parses its options, makes a report (`provenance.cli.reports`), and only `reports.print_report`
prints. `app` has the table of commands, each loaded when it is called.
"""

from __future__ import annotations

import sys

USAGE = 2
"""Exit code for a wrong option or configuration."""


def missing_library(error: ImportError) -> str | None:
    """Return what to say if a library of the extras is missing; None for any other error."""
    library = (error.name or "").partition(".")[0]
    if library in {"anyio", "jinja2", "markupsafe", "starlette", "uvicorn"}:
        return f"the web page needs {library}: pip install jinja2 starlette uvicorn"
    if library not in {"click", "rich"}:
        return None
    return f"the command line needs {library}: pip install click rich"


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
