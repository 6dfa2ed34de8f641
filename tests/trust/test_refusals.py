"""Whatever refuses a result, the error comes soon and holds it, and the next call works."""

import pytest

from contract.processes import in_process
from trust.refusing import TASKS


@pytest.mark.parametrize("task", TASKS)
def test_a_result_that_cannot_be_stored_is_not_lost(task, tmp_path):
    """A full disk, no inodes, a read-only folder, a device that fails to write, sync or rename, a database that cannot grow."""
    in_process("trust.refusing", task, tmp_path)
