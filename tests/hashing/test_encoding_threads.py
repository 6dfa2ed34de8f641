"""Several threads hash what is large, and a forked child is not left waiting for threads that it does not have."""

import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

from provenance.hashing import hash_value


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


def test_threads_do_not_share_a_hasher():
    """What many threads hash at once has the hashes that one thread gives it."""
    values = [(i, {"a": [i]}, str(i)) for i in range(2000)]
    expected = list(map(hash_value, values))
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(hash_value, values, chunksize=50))
    finally:
        sys.setswitchinterval(before)
    assert expected == found
