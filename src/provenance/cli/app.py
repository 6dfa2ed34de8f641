"""The table of commands, and the exit codes of their errors."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Final, cast

import click

import provenance as p
from provenance.cli.missing import USAGE, missing_library
from provenance.cli.reports import Command
from provenance.escaping import escape_invisible

NO: Final = 1
PARTIAL: Final = 3
UNAVAILABLE: Final = 4
REFUSED: Final = 5
BUG: Final = 70
INTERRUPTED: Final = 130

COMMANDS: Final = {
    "bundle": ("exchange", "Show what a bundle holds."),
    "cat": ("artifact", "Print the value of an artifact."),
    "completion": ("setup", "Print the script that completes commands and ids in a shell."),
    "config": ("setup", "Show where results are stored, and the configuration."),
    "diff": ("artifact", "Show how two artifacts differ."),
    "doctor": ("setup", "Check this installation and the repository."),
    "du": ("listing", "Show where the bytes are."),
    "evict": ("upkeep", "Delete values that can be recomputed."),
    "export": ("exchange", "Write artifacts, or the value of one, to a file."),
    "forget": ("upkeep", "Delete artifacts."),
    "gc": ("upkeep", "Delete garbage."),
    "import": ("exchange", "Copy the artifacts of a bundle into a repository."),
    "lineage": ("artifact", "Show what an artifact was made from, or what was made from it."),
    "log": ("listing", "Show what was computed, by run."),
    "ls": ("listing", "List artifacts, newest first."),
    "migrate": ("setup", "Migrate the tables of the database."),
    "promote": ("upkeep", "Copy artifacts, with their sources, to another repository."),
    "pull": ("upkeep", "Copy artifacts, with their sources, from another repository."),
    "reproduce": ("artifact", "Compute an artifact again, and compare."),
    "runs": ("listing", "List the processes that computed artifacts, or show one."),
    "search": ("listing", "The same as ls."),
    "sets": ("listing", "List sets of artifacts; create or delete one."),
    "show": ("artifact", "Show what is recorded of an artifact."),
    "sql": ("setup", "Query the database, which is opened for reading only."),
    "stale": ("artifact", "List results whose code has changed."),
    "stats": ("listing", "Count artifacts, functions, bytes and seconds."),
    "ui": ("setup", "Show what is stored as a web page on this machine."),
    "verify": ("upkeep", "Check that all that is recorded is stored and intact."),
    "why": ("artifact", "Explain why an artifact was computed, or a call is a miss."),
}
"""The module of each command, and its help."""


class LazyGroup(Command, click.Group):
    """A group whose commands are imported when they are called; its help imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's own name
        """Return the names of all commands."""
        return [*COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's own name
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"provenance.cli.{COMMANDS[cmd_name][0]}")
        return cast("click.Command", getattr(module, f"{cmd_name}_command"))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as above
        """Write the list of commands."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(
    p.__version__, prog_name="provenance", message="%(prog)s %(version)s", help="Print the version."
)
def cli() -> None:
    """Look at stored results, and maintain the stores."""


def run(arguments: Sequence[str]) -> int:
    """Run a command line; return its exit code."""
    if sys.stdout is None:  # closed by the shell
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the end
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        # Not every encoding has the lines of trees, or the letters of all names.
        reconfigure(errors="backslashreplace")
    try:
        result: object = cli.main(
            [*arguments], "provenance", standalone_mode=False, windows_expand_args=False
        )
        sys.stdout.flush()
    except (click.exceptions.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except BrokenPipeError:
        # Whatever reads the pipe has had enough.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return USAGE
    except Exception as error:  # noqa: BLE001 - every error has an exit code
        return _report_error(error, arguments)
    return result if isinstance(result, int) else 0


def exit_code(error: Exception) -> int:
    """Return the exit code for *error*."""
    match error:
        case p.UntrustedStoreError() | p.BundleError():
            return REFUSED
        case p.StoreUnavailableError() | p.StorePermissionError():
            return UNAVAILABLE
        case click.ClickException() | p.ConfigError() | p.AmbiguousIdError():
            return USAGE
        case p.MissingLibraryError() | p.UnserializableValueError():
            return USAGE
        case p.ProvenanceError():
            return NO
        case _:
            return BUG


def _report_error(error: Exception, arguments: Sequence[str]) -> int:
    code = exit_code(error)
    missing = missing_library(error) if isinstance(error, ImportError) else None
    if isinstance(error, click.ClickException):
        message = error.format_message()
    elif missing is not None:
        code, message = USAGE, missing
    else:
        message = f"{type(error).__name__}: {error}" if code == BUG else str(error)
    if isinstance(error, p.UntrustedStoreError) and "--trust" not in arguments:
        message += "; or pass --trust if you trust its writer"
    if {"-v", "--verbose"} & {*arguments}:
        click.echo(escape_lines("".join(traceback.format_exception(error))), err=True)
    if isinstance(error, click.UsageError) and error.ctx is not None:
        click.echo(error.ctx.get_usage(), err=True)
    if {"--json", "--ndjson"} & {*arguments}:
        document = {"message_type": "exit_error", "code": code, "message": message}
        click.echo(json.dumps(document), err=True)
    else:
        hint = "; this is a bug, run again with -v for the traceback" if code == BUG else ""
        click.echo(f"provenance: {escape_invisible(message)}{hint}", err=True)
    return code


def escape_lines(text: str) -> str:
    """Return *text* with what is invisible in each line escaped."""
    return "\n".join(map(escape_invisible, text.splitlines()))
