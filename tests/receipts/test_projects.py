"""Hits say what changed in a project of any layout, and nothing where nothing did.

Each layout is played in a process of its own: a result is computed, and after each edit the modules are imported
again and the call is repeated.
"""

import json
from pathlib import Path

import pytest

from processes import output, started

MAIN = '''
import provenance as p
{imports}

LIMIT = 3

class Base:
    def scale(self, x):
        return x * 2

class Model(Base):
    """A model."""
    rate = 2

    def fit(self, x):
        return self.scale(x) * self.rate

model = Model()

@p.provenance(name="work")
def work(x: int):
    """Do it."""
    # a comment
    total = x + LIMIT
    return [clean(total), helpers.deep(total), tools.shout(str(total)), model.fit(total)]

class Runner:
    @p.provenance(name="run")
    def run(self, x):
        return self.prepare(x), helpers.deep(x)

    def prepare(self, x):
        return tools.table["a"] + x
'''
HELPERS = """
def inner(x):
    return x

def clean(x):
    return inner(x)

def deep(x, more=0):
    return [x, more]
"""
TOOLS = """
table = {"a": 1}

def shout(text):
    return text.upper()
"""
HARMLESS = {
    "comment": ("main", "# a comment", "# another one"),
    "docstring": ("main", '"""Do it."""', '"""Do it well."""'),
    "docstring of a class": ("main", '"""A model."""', '"""The model."""'),
    "annotation": ("main", "x: int", "x: float"),
    "formatting": ("main", "x + LIMIT", "(\n        x\n        + LIMIT\n    )"),
    "lines above": ("helpers", "def inner", "\n\n# here\ndef inner"),
    "local variable": ("main", "total", "amount"),
}
MEANINGFUL = {
    "the function itself": ("main", "x + LIMIT", "x - LIMIT", {"work": ["main.work"]}),
    "constant": ("main", "LIMIT = 3", "LIMIT = 4", {"work": ["main.LIMIT"]}),
    "imported helper": (
        "helpers",
        "return inner(x)",
        "return [inner(x)]",
        {"work": ["helpers.clean"]},
    ),
    "helper of a helper": ("helpers", "return x\n", "return -x\n", {"work": ["helpers.inner"]}),
    "attribute of a module": (
        "helpers",
        "[x, more]",
        "[more, x]",
        {"work": ["helpers.deep"], "run": ["helpers.deep"]},
    ),
    "another package": ("tools", "upper", "lower", {"work": ["tools.shout"]}),
    "constant of another package": ("tools", '"a": 1', '"a": 2', {"run": ["tools.table"]}),
    "method of an object": (
        "main",
        "self.scale(x) *",
        "self.scale(x) +",
        {"work": ["main.Model.fit"]},
    ),
    "method of a base class": ("main", "x * 2", "x * 3", {"work": ["main.Base.scale"]}),
    "attribute of a class": ("main", "rate = 2", "rate = 3", {"work": ["main.Model"]}),
    "method of the same object": (
        "main",
        'tools.table["a"] + x',
        'tools.table["a"] - x',
        {"run": ["main.Runner.prepare"]},
    ),
}
FLAT = "import helpers\nfrom helpers import clean\nfrom lib import tools"
RELATIVE = "from . import helpers\nfrom .helpers import clean\nfrom .lib import tools"
ABSOLUTE = "import project.helpers as helpers\nfrom project.helpers import clean\nimport lib.tools as tools"
LAYOUTS = {
    "modules beside": (
        {"main": "main.py", "helpers": "helpers.py", "tools": "lib/tools.py"},
        FLAT,
        ["."],
        {"main": "main", "helpers": "helpers", "tools": "lib.tools"},
    ),
    "src": (
        {
            "main": "src/project/main.py",
            "helpers": "src/project/helpers.py",
            "tools": "src/project/lib/tools.py",
        },
        RELATIVE,
        ["src"],
        {"main": "project.main", "helpers": "project.helpers", "tools": "project.lib.tools"},
    ),
    "packages of a monorepo": (
        {
            "main": "one/project/main.py",
            "helpers": "one/project/helpers.py",
            "tools": "other/src/lib/tools.py",
        },
        ABSOLUTE,
        ["one", "other/src"],
        {"main": "project.main", "helpers": "project.helpers", "tools": "lib.tools"},
    ),
}
LAYOUTS["editable install"] = LAYOUTS["src"]
PLAY = """
import importlib, json, os, site, sys
import provenance as p
from pathlib import Path

plan = json.loads(sys.stdin.read())
if plan["editable"]:
    Path("installed").mkdir()
    Path("installed/project.pth").write_text(os.path.abspath(plan["paths"][0]))
    site.addsitedir("installed")
else:
    sys.path[:0] = map(os.path.abspath, plan["paths"])
p.load_config({"artifact_repos": {"memory": {"type": "memory"}}})
changed = {}
p.subscribe(lambda event: changed.update({event.name: sorted(c.name for c in event.changes)})
            if isinstance(event, p.CodeChanged) else None)

def call():
    changed.clear()
    for name in [name for name in sys.modules if name.partition(".")[0] in
                 {"main", "helpers", "lib", "project"}]:
        del sys.modules[name]
    importlib.invalidate_caches()
    main = importlib.import_module(plan["modules"]["main"])
    main.work(2)
    main.Runner().run(2)
    return dict(changed)

found = {"nothing": call()}
for name, (file, old, new) in plan["edits"].items():
    path = Path(plan["files"][file])
    before = path.read_text()
    assert old in before, name
    path.write_text(before.replace(old, new))
    found[name] = call()
    path.write_text(before)
print(json.dumps(found))
"""


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hits_name_what_changed_in_a_project(layout):
    """Whether it is a module beside, a package, a method or a constant, and wherever the files lie."""
    files, imports, paths, modules = LAYOUTS[layout]
    texts = {"main": MAIN.replace("{imports}", imports), "helpers": HELPERS, "tools": TOOLS}
    for name, file in files.items():
        path = Path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(texts[name])
        if path.parent.name in {"lib", "project"}:
            (path.parent / "__init__.py").touch()
    edits = {name: edit[:3] for name, edit in {**HARMLESS, **MEANINGFUL}.items()}
    plan = {"files": files, "paths": paths, "modules": modules, "edits": edits}
    process = started(PLAY, PYTHONDONTWRITEBYTECODE="1")
    process.stdin.write(json.dumps({**plan, "editable": layout == "editable install"}))
    process.stdin.close()
    process.stdin = None
    found = json.loads(output(process))
    expected = {"nothing": {}, **{name: {} for name in HARMLESS}}
    for name, (*_, changes) in MEANINGFUL.items():
        expected[name] = {
            function: [_full_name(each, modules) for each in changed]
            for function, changed in changes.items()
        }
    assert expected == found


def _full_name(name: str, modules: dict[str, str]) -> str:
    """Return a name after that of its module in the layout."""
    module, _, rest = name.partition(".")
    return f"{modules[module]}.{rest}"
