"""Each way in which users edit a project changes the receipt, and the changed thing is named."""

import os
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from itertools import count
from textwrap import dedent

import pytest

from provenance.receipts.receipt import changes, receipt_of
from provenance.receipts.walk import PYTHON

HELPER = """
K = 1
CACHE = {}
def add(x):
    return x + 1
def update(x):
    CACHE[x] = x
    return x + K
"""
BASE = """
class Base:
    rate = 1
    def f(self, x):
        return x + 1
"""
# What `work` uses, its body, and for each edit the names that changed.
EDITS = {
    "a method that is named as those of lists": (
        "import helper",
        "helper.add(x)",
        ("helper", "x + 1", "x + 2"),
        {"helper.add"},
    ),
    "a constant beside a function that is named so": (
        "import helper",
        "helper.update(x) + helper.K",
        ("helper", "K = 1", "K = 2"),
        {"helper.K"},
    ),
    "a package without a file": (
        "import space.part",
        "space.part.f(x)",
        ("space/part", "+ 1", "+ 2"),
        {"space.part.f"},
    ),
    "a module that finds its attributes when asked": (
        "import lazy",
        "lazy.f(x)",
        ("space/part", "+ 1", "+ 2"),
        {"space.part.f"},
    ),
    "what a partial binds": (
        "from functools import partial\ndef f(x, k):\n    return k * x\ng = partial(f, k=1)",
        "g(x)",
        ("main", "k=1", "k=2"),
        {"main.g.keywords"},
    ),
    "what a partial of a builtin binds": (
        "from functools import partial\ng = partial(round, ndigits=1)",
        "g(x)",
        ("main", "ndigits=1", "ndigits=2"),
        {"main.g"},
    ),
    "partials in a list": (
        "from functools import partial\ndef f(k, x):\n    return k * x\nALL = [partial(f, 1)]",
        "ALL[0](x)",
        ("main", "f, 1", "f, 2"),
        {"main.ALL"},
    ),
    "functions beside builtin ones": (
        "def f(x):\n    return x + 1\nALL = {'a': f, 'b': abs}",
        "ALL['a'](x)",
        ("main", "x + 1", "x + 2"),
        {"main.f"},
    ),
    "an implementation of a single dispatch": (
        (
            "from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 0\n"
            "@f.register\ndef of_int(x: int):\n    return 1"
        ),
        "f(x)",
        ("main", "return 1", "return 2"),
        {"main.of_int"},
    ),
    "another implementation": (
        (
            "from functools import singledispatch\n@singledispatch\ndef f(x):\n    return 0\n"
            "def of_int(x: int):\n    return 1\nf.register(str)(of_int)"
        ),
        "f(x)",
        ("main", "register(str)", "register(int)"),
        {"main.f.registry"},
    ),
    "a function in an object that replaces it": (
        (
            "class Deco:\n    def __init__(self, f):\n        self.f = f\n    def __call__(self, x):\n"
            "        return self.f(x)\n@Deco\ndef f(x):\n    return x + 1"
        ),
        "f(x)",
        ("main", "x + 1", "x + 2"),
        {"main.f"},
    ),
    "a function in an object of a library": (
        "import numpy\ndef f(x):\n    return x + 1\ng = numpy.vectorize(f)",
        "g(x)",
        ("main", "x + 1", "x + 2"),
        {"main.f"},
    ),
    "a method of an object in a list": (
        "class A:\n    def f(self, x):\n        return x + 1\nALL = [A(), len]",
        "ALL[0].f(x)",
        ("main", "x + 1", "x + 2"),
        {"main.A.f"},
    ),
    "a constant beside a list that contains itself": (
        "L = [1]\nL.append(L)\nK = 1",
        "(len(L), K)",
        ("main", "K = 1", "K = 2"),
        {"main.K"},
    ),
    "a method behind a descriptor": (
        (
            "class lazy:\n    def __init__(self, f):\n        self.f = f\n    def __get__(self, one, kind):\n"
            "        return self.f(one)\nclass A:\n    @lazy\n    def k(self):\n        return 1"
        ),
        "A().k",
        ("main", "return 1", "return 2"),
        {"main.A.k"},
    ),
    "a class decorator": (
        "def deco(kind):\n    kind.k = 1\n    return kind\n@deco\nclass A:\n    pass",
        "A.k",
        ("main", "kind.k = 1", "kind.k = 2"),
        {"main.deco", "main.A.k"},
    ),
    "a metaclass": (
        "class Meta(type):\n    def f(cls):\n        return 1\nclass A(metaclass=Meta):\n    pass",
        "A.f()",
        ("main", "return 1", "return 2"),
        {"main.Meta.f"},
    ),
    "an attribute that a class gets later": (
        "class A:\n    pass\nA.k = 1",
        "A.k",
        ("main", "A.k = 1", "A.k = 2"),
        {"main.A.k"},
    ),
    "a class that a call makes": (
        "from collections import namedtuple\nA = namedtuple('A', 'a b')",
        "A(x, 1).a",
        ("main", "'a b'", "'b a'"),
        {"main.A"},
    ),
    "a method of a base class by super": (
        "from base import Base\nclass A(Base):\n    def f(self, x):\n        return super().f(x)",
        "A().f(x)",
        ("base", "x + 1", "x + 2"),
        {"base.Base.f"},
    ),
    "a member of an enumeration": (
        "from enum import Enum\nclass E(Enum):\n    A = 1\n    B = 2\nE1 = E.A",
        "E1.value",
        ("main", "E1 = E.A", "E1 = E.B"),
        {"main.E1"},
    ),
    **{
        f"a constant: {before}": (
            (
                "import collections, types, operator, dataclasses, datetime, attrs, numpy\n"
                "@dataclasses.dataclass\nclass Data:\n    k: int = 0\n"
                f"@attrs.define\nclass Attrs:\n    k: int = 0\nK = {before}"
            ),
            "K",
            ("main", f"K = {before}", f"K = {after}"),
            {"main.K"},
        )
        for before, after in (
            ("range(3)", "range(4)"),
            ("collections.OrderedDict(a=1)", "collections.OrderedDict(a=2)"),
            ("collections.defaultdict(list, a=1)", "collections.defaultdict(set, a=1)"),
            ("collections.Counter('aab')", "collections.Counter('abb')"),
            ("collections.deque([1])", "collections.deque([2])"),
            ("types.MappingProxyType({1: 1})", "types.MappingProxyType({1: 2})"),
            ("types.SimpleNamespace(k=1)", "types.SimpleNamespace(k=2)"),
            ("operator.itemgetter(0)", "operator.itemgetter(1)"),
            ("Data(1)", "Data(2)"),
            ("Attrs(1)", "Attrs(2)"),
            ("[abs]", "[round]"),
            ("[datetime.date(2026, 1, 1)]", "[datetime.date(2026, 1, 2)]"),
            ("{'a': numpy.arange(3)}", "{'a': numpy.arange(4)}"),
        )
    },
}
METHODS = {
    "an attribute of its class": (
        "class A:\n    rate = 1\n    def work(self, x):\n        return x * self.rate",
        ("main", "rate = 1", "rate = 2"),
        {"main.A.rate"},
    ),
    "an attribute of a base class": (
        "from base import Base\nclass A(Base):\n    def work(self, x):\n        return x * self.rate",
        ("base", "rate = 1", "rate = 2"),
        {"base.Base.rate"},
    ),
    "a method of a base class": (
        "from base import Base\nclass A(Base):\n    def work(self, x):\n        return super().f(x)",
        ("base", "x + 1", "x + 2"),
        {"base.Base.f"},
    ),
}
_numbers = count()


def play(folder, monkeypatch, main, edit, path):
    """Return the receipt of something in a project before an edit, and the changes by it."""
    texts = {
        "main": main,
        "helper": HELPER,
        "base": BASE,
        "space/part": "def f(x):\n    return x + 1\n",
        "lazy": "def __getattr__(name):\n    if name != 'f':\n        raise AttributeError(name)\n"
        "    from space import part\n    return part.f\n",
    }
    found = []
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for number in range(2):
        # A folder of its own, as a module is read again only if its file has another time.
        place = folder / str(next(_numbers))
        file, old, new = edit if number else (None, "", "")
        with monkeypatch.context() as patch:
            for name, text in texts.items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                assert name != file or old in text
                (place / f"{name}.py").write_text(text.replace(old, new) if name == file else text)
                patch.delitem(sys.modules, name.replace("/", "."), raising=False)
            patch.delitem(sys.modules, "space", raising=False)
            patch.syspath_prepend(str(place))
            thing = __import__("main")
            for name in path.split("."):
                thing = getattr(thing, name)
            found.append(receipt_of(thing))
            for name in ("main", "helper", "base", "space.part", "space", "lazy"):
                sys.modules.pop(name, None)
    return {change.name for change in changes(found[0].text, found[1])}


@pytest.mark.parametrize("edit", EDITS)
def test_an_edit_is_seen(edit, tmp_path, monkeypatch):
    """Wherever the code or the constant is, and however the function gets there."""
    uses, body, change, names = EDITS[edit]
    main = f"{dedent(uses)}\ndef work(x):\n    return {body}\n"
    assert names == play(tmp_path, monkeypatch, main, change, "work")


@pytest.mark.parametrize("edit", METHODS)
def test_a_method_knows_its_class(edit, tmp_path, monkeypatch):
    """What it takes from its object may be of the class, or of a base class."""
    main, change, names = METHODS[edit]
    assert names == play(tmp_path, monkeypatch, main, change, "A.work")


def test_a_cache_is_no_code_for_others_that_read_it(tmp_path, monkeypatch):
    """What one function of a receipt changes, no other one takes for a constant."""
    main = "MEMO = {}\ndef f(x):\n    MEMO[x] = x\n    return x\ndef work(x):\n    return f(x), len(MEMO)\n"
    edit = ("main", "MEMO = {}", "MEMO = {1: 1}")
    assert set() == play(tmp_path, monkeypatch, main, edit, "work")


def test_fields_of_a_record_are_inputs(tmp_path, monkeypatch):
    """A method gets them with its object, so that their defaults are no code."""
    main = (
        "import dataclasses\n@dataclasses.dataclass\nclass A:\n    k: int = 1\n"
        "    def work(self, x):\n        return self.k\n"
    )
    edit = ("main", "k: int = 1", "k: int = 2")
    assert set() == play(tmp_path, monkeypatch, main, edit, "A.work")


LIVE = """
class A:
    rate = 1
    def f(self):
        return 1
def moved(x):
    return x
def edited(x):
    return x + 1
def used(x):
    return edited(x), (lambda y: y)(x)
def rated(x):
    return x * A.rate
"""


def test_code_that_runs_counts_and_not_what_its_file_says_meanwhile(tmp_path, monkeypatch):
    """A program that runs for days is edited: its results are of the code that it has loaded."""
    monkeypatch.syspath_prepend(str(tmp_path))
    names = ("moved", "used", "rated")
    path = tmp_path / "live.py"
    path.write_text(LIVE)
    import live

    first = {name: receipt_of(getattr(live, name)) for name in names}
    path.write_text("# new\n" + LIVE.replace("x + 1", "x + 2").replace("rate = 1", "rate = 2"))
    meanwhile = {name: receipt_of(getattr(live, name)) for name in names}
    monkeypatch.delitem(sys.modules, "live")
    import live

    after = {name: receipt_of(getattr(live, name)) for name in names}
    assert first["moved"] == meanwhile["moved"] == after["moved"]
    for name, changed in (("used", {"live.edited"}), ("rated", {"live.A", "live.A.rate"})):
        assert changed == {one.name for one in changes(meanwhile[name].text, after[name])}
        # It is not known whether it is the same.
        assert changed == {one.name for one in changes(first[name].text, meanwhile[name])}


UNCHANGED = """
from functools import singledispatch
@singledispatch
def show(x):
    return x
@show.register
def _(x: int):
    return x + 1
@show.register
def _(x: str):
    return x + "s"
@show.register
def _(x: float):
    return x + 1.5
a, b, c, d = lambda x: x + 1, lambda x: x + 2, lambda x: x + 3, lambda x: x + 4
e = lambda x: x + 5
g = lambda x: x + 6
def work(x):
    return show(x), a(x), b(x), c(x), d(x), e(x), g(x)
if __name__ == "__main__":
    from provenance.receipts.receipt import receipt_of
    print(receipt_of(work).text)
"""


def test_a_receipt_is_the_same_in_each_process(tmp_path):
    """Sets of names have another order there, and functions other addresses."""
    path = tmp_path / "main.py"
    path.write_text(UNCHANGED)
    seeds = ("1", "2", "3")
    found = {
        subprocess.run(
            [sys.executable, str(path)],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        ).stdout
        for seed in seeds
    }
    assert len(found) == 1


CHANGING = {
    "a default dictionary, which a look-up fills": (
        "from collections import defaultdict\nK = defaultdict(int)",
        "K[x]",
    ),
    "a data class whose method changes it": (
        (
            "import dataclasses\n@dataclasses.dataclass\nclass Stats:\n    n: int = 0\n"
            "    def count(self):\n        self.n += 1\nclass More(Stats):\n    pass\nK = [More()]"
        ),
        "K[0].count()",
    ),
    "a queue": ("from collections import deque\nK = deque()", "K.appendleft(x)"),
    "a context of decimals": (
        "import decimal\nK = decimal.Context()",
        "K.divide(decimal.Decimal(x), decimal.Decimal(3))",
    ),
    "an attribute that its class does not name": (
        "class A:\n    pass\nA.rows = []",
        "A.rows.append(x)",
    ),
}


@pytest.mark.parametrize("case", CHANGING)
def test_what_a_call_changes_is_no_constant(case, tmp_path, monkeypatch):
    """A miss computes its receipt after the call, and a hit of another process before it."""
    uses, body = CHANGING[case]
    (tmp_path / "changing.py").write_text(f"{uses}\ndef work(x):\n    return {body}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "changing", raising=False)
    work = __import__("changing").work
    before = receipt_of(work)
    work(1)
    assert changes(before.text, receipt_of(work)) == ()
    assert "." in before.digests


def test_code_counts_where_an_attribute_of_it_changes(tmp_path, monkeypatch):
    """A function that counts its calls, or a class its objects, is still code."""
    main = (
        "def f(x):\n    return x + 1\nclass A:\n    n = 0\n    rate = 1\n"
        "def work(x):\n    f.calls = 1\n    A.n += 1\n    return f(x) * A.rate\n"
    )
    edits = {
        ("main", "x + 1", "x + 2"): {"main.f"},
        ("main", "rate = 1", "rate = 2"): {"main.A"},
    }
    for edit, names in edits.items():
        assert names == play(tmp_path, monkeypatch, main, edit, "work")


def test_a_script_has_the_receipt_of_the_module_that_it_is(tmp_path):
    """Both names share results, so constants that hold functions and members are the same for both."""
    text = (
        "from enum import Enum\nclass Color(Enum):\n    RED = 1\n"
        "def f(x):\n    return x\nALL = [f, Color.RED]\n"
        "def work(x):\n    return ALL[0](x)\n"
    )
    told = "from provenance.receipts.receipt import receipt_of\nprint(receipt_of(work).text)\n"
    (tmp_path / "program.py").write_text(text + told)
    commands = [["program.py"], ["-c", "import program"]]
    found = {
        subprocess.run(
            [sys.executable, *command], cwd=tmp_path, capture_output=True, check=True
        ).stdout
        for command in commands
    }
    assert len(found) == 1


def test_a_member_that_cannot_be_hashed_leaves_the_rest_of_the_receipt(tmp_path, monkeypatch):
    """The list is not tracked then, and the code is."""
    main = (
        "import threading\nclass A:\n    nbytes = 8\n    def __init__(self):\n"
        "        self.lock = threading.Lock()\nALL = [A()]\n"
        "def work(x):\n    return x + 1, ALL\n"
    )
    edit = ("main", "x + 1", "x + 2")
    assert play(tmp_path, monkeypatch, main, edit, "work") == {"main.work"}


LAZY = """
import dataclasses
class Lazy:
    @property
    def __class__(self):
        raise RuntimeError("not configured")
    @property
    def __wrapped__(self):
        raise RuntimeError("not configured")
    def __getattr__(self, name):
        raise RuntimeError("not configured")
class Holder:
    def __init__(self):
        self.held, self.more = Lazy(), [Lazy()]
@dataclasses.dataclass
class Record:
    field: object
    computed: int = 0
Record.computed = property(lambda self: 1 / 0, lambda self, value: None)
ALONE, LIST, HOLDER, RECORD = Lazy(), [Lazy()], Holder(), Record(Lazy)
"""


def test_a_lazy_object_is_not_asked_what_it_is(tmp_path, monkeypatch):
    """Settings and connections are set up when they are first asked for anything."""
    main = f"{LAZY}def work(x):\n    return x + 1, ALONE.debug, LIST[0].debug, HOLDER.held, RECORD.field\n"
    edit = ("main", "x + 1", "x + 2")
    assert play(tmp_path, monkeypatch, main, edit, "work") == {"main.work"}


def test_a_lazy_module_of_a_library_stays_unloaded(tmp_path, monkeypatch):
    """A hit that imported it would take longer than the call that it saves."""
    main = (
        "import importlib.util\nspec = importlib.util.find_spec('sched')\n"
        "spec.loader = importlib.util.LazyLoader(spec.loader)\n"
        "sched = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(sched)\n"
        "def work(x):\n    return sched.scheduler(x)\n"
    )
    (tmp_path / "lazily.py").write_text(main)
    monkeypatch.syspath_prepend(str(tmp_path))
    module = __import__("lazily")
    assert receipt_of(module.work).digests.keys() == {"."}
    assert type(module.sched) is not type(sys)


def test_what_a_data_class_generates_is_not_in_the_receipt(tmp_path, monkeypatch):
    """Versions of Python and of attrs generate it differently; here the object is no constant."""
    main = (
        "import dataclasses, threading\n@dataclasses.dataclass\nclass A:\n    lock: object\n"
        "K = A(threading.Lock())\ndef work(x):\n    return K\n"
    )
    (tmp_path / "generated.py").write_text(main)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert receipt_of(__import__("generated").work).digests.keys() == {".", ".K", ".A"}


def test_a_class_without_source_is_not_compared_with_that_of_another_python(tmp_path, monkeypatch):
    """An enumeration that a call makes has other attributes there."""
    main = "from enum import Enum\nE = Enum('E', 'A B')\ndef work(x):\n    return E.A\n"
    (tmp_path / "called.py").write_text(main)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "called", raising=False)
    receipt = receipt_of(__import__("called").work)
    other = receipt.text.replace(f"{PYTHON}~", "3.99~").replace(
        receipt.digests[".E"][-12:], "0" * 12
    )
    assert other != receipt.text
    assert changes(other, receipt) == ()


class RewritingLoader(SourceFileLoader):
    """Compiles other code than the source says, as pytest and checkers of types do."""

    def source_to_code(self, data, path, **options):
        """Return the code of another source."""
        return super().source_to_code(data.replace(b"assert x", b"assert x > 0"), path, **options)


def test_code_that_is_rewritten_as_it_is_imported_is_not_compared_with_its_file(tmp_path):
    """Saving the file of a test, or a checkout of it, while the tests run changes no code."""
    path = tmp_path / "rewritten.py"
    path.write_text("def work(x):\n    assert x\n    return x\n")
    spec = spec_from_file_location(
        "rewritten", path, loader=RewritingLoader("rewritten", str(path))
    )
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    os.utime(path, (0, 0))
    before = receipt_of(module.work)
    os.utime(path)
    assert receipt_of(module.work) == before
