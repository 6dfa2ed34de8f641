"""The listener hears what it should: a deaf one would let every pure-code test pass."""

import os
import socket
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from architecture.silence import NoiseError, silence

NOISES = {
    "open": lambda: Path(os.devnull).read_bytes(),
    "os.scandir": lambda: os.scandir(".").close(),
    "os.mkdir": lambda: Path("made").mkdir(),
    "socket.__new__": lambda: socket.socket().close(),
    "sqlite3.connect": lambda: sqlite3.connect(":memory:").close(),
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "-c", ""], check=True),
}


@pytest.mark.parametrize("event", sorted(NOISES))
def test_it_hears_each_kind_of_noise(event):
    """Whatever touches the world inside the block is an error that names the event."""
    with pytest.raises(NoiseError, match=event), silence():
        NOISES[event]()


def test_pure_code_is_silent():
    """Computing, allocating and raising inside functions touch nothing."""
    with silence():
        result = sorted(str(n) for n in range(3))
    assert ["0", "1", "2"] == result


def test_it_stops_listening_after_the_block():
    """Noise before and after the block is nobody's business."""
    with silence():
        pass
    assert b"" == Path(os.devnull).read_bytes()


def test_an_error_of_the_body_is_not_replaced():
    """The body's own exception passes through, noise or not."""

    def fail_noisily():
        Path(os.devnull).read_bytes()
        raise LookupError

    with pytest.raises(LookupError), silence():
        fail_noisily()


def test_other_threads_are_not_heard():
    """Noise of a thread beside the block does not fail the block."""
    thread = threading.Thread(target=lambda: Path(os.devnull).read_bytes())
    with silence():
        thread.start()
        thread.join()


def test_a_block_inside_a_block_listens_on_its_own():
    """After an inner block the outer one still hears."""

    def whisper_then_shout():
        with silence():
            pass
        Path(os.devnull).read_bytes()

    with pytest.raises(NoiseError, match="open"), silence():
        whisper_then_shout()


def test_a_lazy_import_is_no_noise(monkeypatch, tmp_path):
    """Reading a module's file in order to import it is the interpreter's doing."""
    Path(tmp_path, "imported_late.py").write_text("ANSWER = 42\n")
    monkeypatch.syspath_prepend(tmp_path)
    with silence():
        import imported_late
    assert 42 == imported_late.ANSWER
