"""These tests run where torch is installed (`make test-torch`): its wheels weigh gigabytes, so that the lock has none."""

from importlib.util import find_spec

collect_ignore_glob = [] if find_spec("torch") else ["t*.py"]
