"""The tutorial can be followed from an empty folder, by copy and paste.

`make test-tutorial` plays it in an environment with nothing but the wheel (`TUTORIAL_BIN`), without the sources.
"""

import os
import re

from architecture.consoles import assert_prints, environment, examples
from architecture.source import ROOT

PAGE = (ROOT / "docs" / "tutorial.md").read_text("utf-8")
FILE = re.compile(r'^```python title="(\w+\.py)"\n(.*?)^```$', re.MULTILINE | re.DOTALL)


def test_the_tutorial_shows_what_happens(tmp_path):
    """Each file is saved, then each command prints what the page shows, one after the other."""
    for name, text in FILE.findall(PAGE):
        (tmp_path / name).write_text(text)
    variables = installed(os.environ.get("TUTORIAL_BIN")) or environment(tmp_path)
    commands = [(command, shown) for command, shown in examples(PAGE) if "pip " not in command]
    assert len(commands) > 5
    for command, shown in commands:
        assert_prints(command, shown, tmp_path, variables)
    assert (tmp_path / ".provenance" / "provenance.db").exists()


def installed(programs: str | None) -> dict[str, str] | None:
    """The variables of a shell in an activated environment, with no more of ours than a user has."""
    if programs is None:
        return None
    return {"PATH": f"{programs}{os.pathsep}{os.defpath}", "LANG": "C.UTF-8"}
