"""The command in processes of its own: what a shell sees."""

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
import time

import pytest

import provenance as p
from processes import SOURCES, TIMEOUT

COMMAND = [sys.executable, "-W", "error", "-m", "provenance.cli"]


def sh(*arguments, **variables):
    """The finished process of a command."""
    environment = {**os.environ, "PYTHONPATH": SOURCES, **variables}
    return subprocess.run(
        [*COMMAND, *arguments], env=environment, capture_output=True, text=True, check=False
    )


def test_the_command_answers(folder):
    """Output, errors and exit codes reach the shell."""
    done = sh("ls", "--ids")
    assert (0, "", 4) == (done.returncode, done.stderr, len(done.stdout.split()))
    assert 1 == sh("ls", "nothing").returncode
    assert 2 == sh("ls", "--nonsense").returncode
    assert 4 == json.loads(sh("stats", "--json").stdout)["artifacts"]


def test_a_closed_pipe_is_no_error(folder):
    """`provenance ls | head -1` ends quietly."""
    command = f"{' '.join(COMMAND)} ls | head -1"
    environment = {**os.environ, "PYTHONPATH": SOURCES}
    done = subprocess.run(
        command, shell=True, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("ID")
    assert "" == done.stderr


def test_streams_that_are_full_or_closed_are_no_bug(folder):
    """A full disk behind standard output is named; what is closed takes and gives nothing."""

    def shell(words):
        environment = {**os.environ, "PYTHONPATH": SOURCES}
        command = f"{' '.join(COMMAND)} {words}"
        done = subprocess.run(
            command, shell=True, env=environment, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stderr

    code, err = shell("ls > /dev/full")
    assert 2 == code
    assert "cannot write to the standard output: No space left on device" in err
    assert "bug" not in err
    assert (0, "") == shell("ls >&-")
    code, err = shell("show - <&-")
    assert (2, True) == (code, "names 0 artifacts" in err)


def test_the_shell_completes(folder):
    """Commands, ids, names of functions and sets come from the store."""

    def complete(words, at):
        variables = {
            "COMP_WORDS": words,
            "COMP_CWORD": str(at),
            "_PROVENANCE_COMPLETE": "bash_complete",
        }
        program = "from provenance.cli import main; import sys; sys.argv = ['provenance']; main()"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": SOURCES, **variables},
            capture_output=True,
            text=True,
            check=False,
        )
        return [line.partition(",")[2] for line in done.stdout.splitlines()]

    assert ["search", "sets", "show", "sql", "stale", "stats"] == complete("provenance s", 1)
    ids = sh("ls", "--ids").stdout.split()
    assert set(ids) == set(complete("provenance show ", 2))
    assert [ids[0]] == complete(f"provenance show {ids[0][:8]}", 2)
    assert ["churn.load", "churn.score", "churn.train"] == complete("provenance ls ", 2)
    assert ["@models"] == complete("provenance show @", 2)
    assert ["models"] == complete("provenance sets m", 2)
    for shell in ("bash", "zsh", "fish"):
        assert "provenance" in sh("completion", shell).stdout


@pytest.mark.parametrize("library", ["click", "rich"])
def test_a_missing_library_is_named(folder, library):
    """Without one of its libraries the command says what to install, and exits with 2."""
    hidden = f"import sys; sys.modules[{library!r}] = None; from provenance.cli import main; sys.argv = ['provenance', 'ls']; main()"
    done = subprocess.run(
        [sys.executable, "-c", hidden],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (2, "") == (done.returncode, done.stdout)
    assert f"needs {library}: pip install click rich" in done.stderr


def test_commands_load_when_they_are_called(folder):
    """Listing artifacts imports no other command, no picture and no data library."""
    program = (
        "import sys; from provenance.cli.app import run; run(['ls', '--ids']);"
        "print(*sorted(m for m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(done.stderr.split())
    unwanted = {
        "provenance.cli.upkeep",
        "provenance.cli.setup",
        "provenance.cli.artifact",
        "provenance.vis",
        "provenance.maintenance.verification",
        "numpy",
        "pandas",
        "sqlalchemy",
        "rich.console",
    }
    assert set() == unwanted & loaded


def test_a_real_terminal_gets_a_fitting_table(folder):
    """Ids of 12 digits, colors, and lines that fit its width."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 90, 0, 0))
    own = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "NO_COLOR")}
    environment = {**own, "PYTHONPATH": SOURCES, "TERM": "xterm"}
    command = [*COMMAND, "ls", "--no-pager"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stdin=theirs) as process:
        assert 0 == process.wait()
        text = os.read(ours, 1 << 16).decode()
    os.close(ours)
    os.close(theirs)
    assert "\x1b[1m" in text
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).rstrip() for line in text.splitlines()]
    assert lines[0].startswith("ID            FUNCTION")
    assert all(len(line) <= 90 for line in lines)
    ids = sh("ls", "--ids").stdout.split()
    assert [one[:12] for one in ids] == [line.split()[0] for line in lines[1:5]]


def test_a_terminal_multiplexer_shows_the_table(folder):
    """In a real terminal of 100 columns the table has its short ids, and the pager ends by itself."""
    name = f"provenance-{os.getpid()}"
    tmux = ["tmux", "-L", name]
    line = f"{shlex.join(COMMAND)} ls; echo done-$?"
    variables = {**os.environ, "PYTHONPATH": SOURCES, "PAGER": "cat", "TERM": "xterm"}
    start = [*tmux, "-f", "/dev/null", "new-session", "-d", "-x", "100", "-y", "50", "sh"]
    subprocess.run(start, check=True, env=variables)
    try:
        subprocess.run([*tmux, "send-keys", line, "Enter"], check=True, env=variables)
        screen, deadline = "", time.monotonic() + TIMEOUT
        while "\ndone-0" not in screen and time.monotonic() < deadline:
            shot = [*tmux, "capture-pane", "-p"]
            screen = subprocess.run(
                shot, check=True, capture_output=True, text=True, env=variables
            ).stdout
            time.sleep(0.05)
    finally:
        subprocess.run([*tmux, "kill-server"], check=True, env=variables)
    (score,) = [one.id for one in p.search("score")]
    assert re.search(rf"^{score[:12]}  churn.score .*model=", screen, re.MULTILINE), screen
    assert "4 artifacts," in screen
