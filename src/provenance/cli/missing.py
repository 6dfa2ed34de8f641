"""What the command line says without its libraries, and the exit code of that."""

from __future__ import annotations

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
