"""Several threads hash what is large, and a forked child is not left waiting for threads that it does not have."""

import subprocess
import sys
import textwrap


def test_a_forked_child_hashes_what_is_large():
    """After the parent hashed with several threads, a forked child comes to the same digest, and to an end."""
    script = """
        import os, sys
        from provenance.hashing import digest
        data = bytearray(8 << 20)
        expected = digest(data)
        pid = os.fork()
        if pid == 0:
            os._exit(0 if digest(data) == expected else 1)
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], timeout=300, check=False)
    assert 0 == done.returncode
