"""Configuration: what is understood, what is refused and how, and what holds where nothing is configured."""

import logging
import os
import sqlite3
import subprocess
from pathlib import Path

import pytest

import provenance as p
from processes import printed
from provenance import environment as environment_
from provenance.environment import replacing_environment

GOOD = {
    "blobstores": {"near": {"type": "memory"}, "far": {"type": "disk", "cachedir": "blobs"}},
    "artifact_repos": {
        "local": {"type": "sqlite", "db": "records.db", "store": "far"},
        "quick": {"type": "memory", "store": "near"},
    },
    "default_repo": "local",
}


def changed(path, value):
    """The good configuration with one entry changed, or taken away if the value is None."""
    config = {
        section: dict(entries) if isinstance(entries, dict) else entries
        for section, entries in GOOD.items()
    }
    *parents, last = path.split("/")
    entry = config
    for each in parents:
        entry[each] = dict(entry.get(each, {}))
        entry = entry[each]
    if value is None:
        entry.pop(last)
    else:
        entry[last] = value
    return config


@pytest.fixture
def unconfigured():
    """No environment is installed, and none is left behind."""
    environment_._environment = None
    yield
    environment_._environment = None


def test_a_configuration_makes_an_environment():
    """Its repositories are had by name; the default one is named, or the only one."""
    environment = p.from_config(GOOD)
    assert "local" == environment.repository().name
    assert "quick" == environment.repository("quick").name
    only = p.from_config({"artifact_repos": {"only": {"type": "memory"}}})
    assert "only" == only.repository().name


def test_nothing_is_opened_before_it_is_used(tmp_path):
    """Reading a configuration makes no file and no folder."""
    environment = p.from_config(GOOD, tmp_path)
    assert [] == list(tmp_path.iterdir())
    environment.repository("quick")
    assert [] == list(tmp_path.iterdir())


def test_load_config_is_for_the_process(unconfigured):
    """It becomes the current one and can be read as frozen records."""
    p.load_config(GOOD)
    assert "local" == p.get_default_repo().name
    assert "records.db" == p.current_config().artifact_repos["local"].db
    with pytest.raises(AttributeError):
        p.current_config().default_repo = "quick"


def test_settings_of_the_configuration_hold(unconfigured):
    """`use_cache`, `read_only` and `check_mutations` may be configured."""
    p.load_config({**GOOD, "use_cache": False, "read_only": True, "check_mutations": True})
    assert (False, True, True) == (p.get_use_cache(), p.get_read_only(), p.get_check_mutations())


MISTAKES = {
    "blobstore": ({}, ["blobstore", "blobstores"]),
    "artifact_repos/local/stroe": ("far", ["artifact_repos.local.stroe", "'store'"]),
    "artifact_repos/local/store": ("fra", ["artifact_repos.local.store", "'far'"]),
    "artifact_repos/local/type": ("sqlight", ["artifact_repos.local.type", "sqlite"]),
    "artifact_repos/local/db": (7, ["artifact_repos.local.db", "int", "str"]),
    "artifact_repos/local/inline_limit": (-1, ["artifact_repos.local", "inline_limit"]),
    "artifact_repos/local/durability": ("always", ["artifact_repos.local", "durability"]),
    "artifact_repos/local/write": ("no", ["artifact_repos.local.write", "str", "bool"]),
    "artifact_repos/quick/delete": (1, ["artifact_repos.quick.delete", "int", "bool"]),
    "blobstores/far/cachedri": ("x", ["blobstores.far.cachedri", "cachedir"]),
    "blobstores/far/type": ("s4", ["blobstores.far.type", "'s4'"]),
    "default_repo": ("lokal", ["default_repo", "'local'"]),
    "use_cache": ("no", ["use_cache", "'no'"]),
    "read_only": (0, ["read_only", "0"]),
    "run_info_fn": ("f", ["run_info_fn", "'f'"]),
    "artifact_repos/local": ([], ["artifact_repos.local", "list"]),
    "artifact_repos": (["local"], ["artifact_repos", "list"]),
    "blobstores/near": ("disk", ["blobstores.near", "str"]),
    "artifact_repos/quick/store": (["near"], ["artifact_repos.quick.store", "list", "str"]),
    "blobstores/far/cachedir": ("$HOME/b", ["blobstores.far", "'$HOME/b'", "write ${HOME}"]),
    "artifact_repos/local/prototype": ("nobody", ["artifact_repos.local.prototype", "'nobody'"]),
    "blobstores/far": (
        {"type": "disk", "cachedir": "~nobody-here/b"},
        ["blobstores.far", "no home folder is known", "write the path out"],
    ),
    "single_flight": ([1], ["single_flight", "[1]", "expected true"]),
}


@pytest.mark.parametrize(
    ("path", "value", "words"), [(path, *each) for path, each in MISTAKES.items()]
)
def test_a_mistake_is_named(path, value, words):
    """The ConfigError, a ValueError, says where the mistake is and names the nearest that would be right."""
    with pytest.raises(p.ConfigError) as raised:
        p.from_config(changed(path, value))
    assert isinstance(raised.value, ValueError)
    for word in words:
        assert word in str(raised.value)


@pytest.mark.parametrize("path", ["$HOME/blobs", "${HOME}/blobs"])
def test_a_path_in_a_program_has_no_variables(path):
    """Nothing fills them in there, and no folder of that name is made."""
    with pytest.raises(p.ConfigError, match=r"got '\$\{?HOME.*os\.path\.expandvars in a program"):
        p.DiskStore(cachedir=path)


@pytest.mark.parametrize("db", [":memory:", "sqlite:///:memory:", "sqlite://", "sqlite:///"])
def test_a_database_in_memory_is_refused(db, tmp_path):
    """By handles and configurations alike, in favour of the memory repository: no file of that name is made."""
    for make in (
        lambda: p.SqliteRepo(db=db),
        lambda: p.from_config(changed("artifact_repos/local/db", db)),
    ):
        with pytest.raises(p.ConfigError, match="use a memory repository"):
            make()
    assert [] == list(tmp_path.iterdir())
    with pytest.raises(p.ConfigError, match="must name a file"):
        p.SqliteRepo(db="")


@pytest.mark.parametrize("config", [None, 5, [1], [], "abc"])
@pytest.mark.parametrize("read", [p.from_config, p.load_config])
def test_what_is_no_dictionary_is_no_configuration(unconfigured, read, config):
    """The error says what it is instead, and what belongs into a configuration."""
    with pytest.raises(
        p.ConfigError,
        match=f"configuration: must be a mapping.*{type(config).__name__}.*blobstores",
    ):
        read(config)


@pytest.mark.parametrize(
    ("config", "place", "name"),
    [
        ({5: 1}, "configuration", "5"),
        ({"artifact_repos": {2024: {"type": "memory"}}}, "artifact_repos", "2024"),
        ({"artifact_repos": {"a": {"type": "memory", True: 1}}}, "artifact_repos.a", "True"),
    ],
)
def test_a_name_that_is_no_string_is_named(config, place, name):
    """YAML reads `on` and `2024` as something else: the error says which name it is, and to quote it."""
    with pytest.raises(p.ConfigError, match=f"^{place}: .*strings, got {name}.*quotes"):
        p.from_config(config)


@pytest.mark.parametrize("path", ["default_repo", "artifact_repos/local/prototype"])
@pytest.mark.parametrize("name", [["local"], 5, {"local": 1}])
def test_what_names_an_entry_is_a_string(path, name):
    """A list of one name is none; the error lists what could be named."""
    with pytest.raises(
        p.ConfigError, match=f"^{path.replace('/', '.')}: .*{type(name).__name__}.*local"
    ):
        p.from_config(changed(path, name))


@pytest.mark.parametrize("stores", ["near", 5, {"near": 1}])
@pytest.mark.parametrize("section", ["blobstores", "artifact_repos"])
def test_a_chain_is_a_list_of_names(section, stores):
    """The letters of one name are no names."""
    with pytest.raises(
        p.ConfigError,
        match=rf"^{section}\.c\.stores: .*must be a list of names, got an? {type(stores).__name__}",
    ):
        p.from_config(
            {section: {"near": {"type": "memory"}, "c": {"type": "chained", "stores": stores}}}
        )
    with pytest.raises(
        p.ConfigError, match=rf"^{section}\.c\.stores\[1\]: .*of type str, got an int"
    ):
        p.from_config(
            {section: {"near": {"type": "memory"}, "c": {"type": "chained", "stores": ["near", 5]}}}
        )


def test_without_repositories_it_is_said_how_to_have_one(unconfigured):
    """An empty configuration is one, and the first call asks for a repository."""
    p.load_config({})
    with pytest.raises(
        p.ConfigError, match=r"artifact_repos: .*no default repository.*none.*type: sqlite"
    ):
        once(1)
    with pytest.raises(p.ConfigError, match=r"unknown repository 'x'.*none.*type: sqlite"):
        p.get_repo_by_name("x")


def test_of_several_repositories_one_must_be_named(unconfigured):
    """Where none of them is the default, the error lists them; what is no name is none of them."""
    p.load_config(changed("default_repo", None))
    with pytest.raises(p.ConfigError, match=r"default_repo: .*no default repository.*local, quick"):
        once(1)
    with pytest.raises(p.ConfigError, match=r"unknown repository \['local'\].*local, quick"):
        p.get_repo_by_name(["local"])


@pytest.mark.parametrize(
    "path", ["artifact_repos/local/type", "artifact_repos/local/db", "blobstores/far/cachedir"]
)
def test_what_is_missing_is_named(path):
    """An entry without what it needs is an error that names both."""
    with pytest.raises(p.ConfigError, match=path.replace("/", ".").rpartition(".")[0]) as raised:
        p.from_config(changed(path, None))
    assert path.rpartition("/")[2] in str(raised.value)


def test_prototypes_are_inherited():
    """An entry takes what it does not say from its prototype, and that one's prototype."""
    entries = {
        "base": {"type": "sqlite", "db": "base.db", "inline_limit": 10},
        "middle": {"prototype": "base", "db": "middle.db"},
        "last": {"prototype": "middle", "inline_limit": 20},
    }
    last = p.from_config({"artifact_repos": entries, "default_repo": "last"}).config.artifact_repos[
        "last"
    ]
    assert ("middle.db", 20) == (last.db, last.inline_limit)


@pytest.mark.parametrize(
    "circle", [{"a": "a"}, {"a": "b", "b": "a"}, {"a": "b", "b": "c", "c": "b"}]
)
def test_prototypes_in_a_circle_are_refused(circle):
    """The error shows the circle."""
    entries = {name: {"type": "memory", "prototype": other} for name, other in circle.items()}
    with pytest.raises(p.ConfigError, match=r"circular prototypes: .*->"):
        p.from_config({"artifact_repos": entries})


def test_an_unknown_prototype_is_refused():
    """The nearest name is shown."""
    with pytest.raises(p.ConfigError, match="did you mean 'base'"):
        p.from_config({"artifact_repos": {"base": {"type": "memory"}, "a": {"prototype": "bse"}}})


def test_environment_variables_are_filled_in(monkeypatch):
    """`${NAME}` in any string; one that is not set is an error that names it and the place."""
    monkeypatch.setenv("PLACE", "some/where")
    config = changed("artifact_repos/local/db", "${PLACE}/${PLACE}.db")
    assert "some/where/some/where.db" == p.from_config(config).config.artifact_repos["local"].db
    monkeypatch.delenv("PLACE")
    with pytest.raises(p.ConfigError, match=r"artifact_repos\.local\.db.*PLACE"):
        p.from_config(config)


@pytest.mark.parametrize("text", ["${FOLDER:-/tmp}/a.db", "${FOLDER", "${}", "a/${a b}.db"])
def test_what_is_no_name_of_a_variable_is_refused(text):
    """A default, as shells have it, would otherwise be a part of the path."""
    with pytest.raises(p.ConfigError, match=r"artifact_repos\.local\.db: .* write \$\{NAME\}"):
        p.from_config(changed("artifact_repos/local/db", text))


def test_secrets_are_not_shown(monkeypatch, caplog):
    """A value from the environment is in no error about something else, no repr and no log line."""
    monkeypatch.setenv("SECRET", "hunter2hunter2")
    caplog.set_level(logging.DEBUG)
    config = {"artifact_repos": {"local": {"type": "sqlite", "db": "${SECRET}.db"}}}
    environment = p.from_config(config)
    with pytest.raises(p.ConfigError) as raised:
        environment.repository("other")
    shown = [repr(environment), repr(environment.repository()), str(raised.value), caplog.text]
    assert [] == [each for each in shown if "hunter2" in each]


YAML = """
blobstores:
  disk: {type: disk, cachedir: blobs}
artifact_repos:
  local: {type: sqlite, db: records.db, store: disk}
"""


def test_yaml(tmp_path, monkeypatch, unconfigured):
    """A YAML file is a configuration; relative paths in it start at the file's folder, wherever the process is."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "conf" / "p.yaml").write_text(YAML)
    monkeypatch.chdir(tmp_path / "elsewhere")
    p.load_yaml_config(tmp_path / "conf" / "p.yaml")
    p.provenance(name="f")(lambda: bytes(100_000))()
    assert {"p.yaml", "records.db", "blobs"} <= {
        each.name for each in (tmp_path / "conf").iterdir()
    }
    assert [] == list((tmp_path / "elsewhere").iterdir())


def test_a_byte_order_mark_is_no_mistake(tmp_path, unconfigured):
    """Editors on Windows write one; the rest of the file counts, in YAML and in the project file."""
    text = "[tool.provenance.artifact_repos.project]\ntype = 'memory'\n"
    (tmp_path / "pyproject.toml").write_text(text, "utf-8-sig")
    assert "project" == p.location().repo
    (tmp_path / "p.yaml").write_text("artifact_repos: {marked: {type: memory}}", "utf-8-sig")
    p.load_yaml_config(tmp_path / "p.yaml")
    assert "marked" == p.location().repo


@pytest.mark.parametrize(
    "text", ["a: [", "- a\n- b", "7", "", "a: !!python/object/apply:os.system [true]", "\x00"]
)
def test_yaml_errors_name_the_file(tmp_path, text):
    """What cannot be read, is no dictionary, or would run code is a ConfigError that names the file."""
    (tmp_path / "bad.yaml").write_text(text)
    with pytest.raises(p.ConfigError, match=r"bad\.yaml"):
        p.load_yaml_config(tmp_path / "bad.yaml")


@pytest.mark.parametrize("text", ["a: 1\na: 2", "repos:\n  x: {b: 1, c: 2, b: 3}"])
def test_a_key_that_is_there_twice_is_named(tmp_path, text):
    """YAML would take the last one; what a key merges in may be overridden."""
    (tmp_path / "twice.yaml").write_text(text)
    with pytest.raises(p.ConfigError, match=r"twice\.yaml, line 2: the key '[ab]' .* keep one"):
        p.load_yaml_config(tmp_path / "twice.yaml")


def test_keys_that_are_merged_in_are_overridden(tmp_path, unconfigured):
    """As YAML has it, and so that one entry may be a variant of another."""
    text = "artifact_repos:\n  a: &a {type: sqlite, db: a.db}\n  b: {<<: *a, db: b.db}\ndefault_repo: b"
    (tmp_path / "merge.yaml").write_text(text)
    p.load_yaml_config(tmp_path / "merge.yaml")
    assert str(tmp_path / "b.db") == p.location().records


def test_a_missing_yaml_file_is_named():
    """The error names the file."""
    with pytest.raises(p.ConfigError, match=r"nowhere\.yaml"):
        p.load_yaml_config("nowhere.yaml")


@p.provenance(name="once")
def once(x):
    """A result of some size."""
    return [x] * 100


def folder_of(tmp_path, monkeypatch, marker):
    """Work in a sub-folder of a project that *marker* marks; answers the project."""
    project = tmp_path / "project"
    (project / "sub" / "deeper").mkdir(parents=True)
    if marker == ".git":
        (project / ".git").mkdir()
    elif marker:
        (project / marker).write_text("[project]\nname = 'x'\n")
    monkeypatch.chdir(project / "sub" / "deeper")
    return project if marker else project / "sub" / "deeper"


def test_outside_a_project_results_are_in_the_users_data_folder(
    tmp_path, monkeypatch, unconfigured, caplog
):
    """Wherever the process runs, nothing is written there; the line of the first use says where results are."""
    place = folder_of(tmp_path, monkeypatch, None)
    home = Path(os.environ["XDG_DATA_HOME"], "provenance")
    caplog.set_level(logging.INFO, "provenance")
    once(1)
    assert [] == [*place.iterdir()]
    assert {".gitignore", "provenance.db"} <= {each.name for each in home.iterdir()}
    assert f"results are stored in {home}" in caplog.text
    assert str(home / "provenance.db") == p.location().records
    environment_._environment = None
    assert once.is_cached(1)


@pytest.mark.parametrize("marker", ["pyproject.toml", ".git"])
def test_without_configuration_it_works_at_once(
    tmp_path, monkeypatch, unconfigured, caplog, marker
):
    """SQLite and disk under `.provenance/` of the project, which git ignores and a log line announces once."""
    place = folder_of(tmp_path, monkeypatch, marker)
    caplog.set_level(logging.INFO, "provenance")
    once(1)
    once(2)
    home = place / ".provenance"
    assert "*\n" == (home / ".gitignore").read_text()
    assert [str(home)] == [
        each.getMessage().rpartition(" ")[2]
        for each in caplog.records
        if each.levelno == logging.INFO
    ]
    assert [".provenance"] == [
        each.name for each in place.iterdir() if each.name not in {".git", "pyproject.toml", "sub"}
    ]
    environment_._environment = None
    assert once.is_cached(1)


def test_git_does_not_see_the_folder(tmp_path, monkeypatch, unconfigured):
    """A user's `git status` stays clean."""
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    monkeypatch.chdir(tmp_path)
    once(1)
    assert (tmp_path / ".provenance").is_dir()
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "" == status.stdout


def test_looking_creates_nothing(tmp_path, unconfigured):
    """Importing, decorating and planning leave no trace."""
    p.provenance(lambda x: x).plan(1)
    assert [] == list(tmp_path.iterdir())


def test_the_environment_variable_names_a_file(tmp_path, monkeypatch, unconfigured):
    """`PROVENANCE_CONFIG` goes before everything else."""
    (tmp_path / "pyproject.toml").write_text(
        "[tool.provenance.artifact_repos.project]\ntype = 'memory'\n"
    )
    (tmp_path / "p.yaml").write_text("artifact_repos: {named: {type: memory}}")
    monkeypatch.setenv("PROVENANCE_CONFIG", str(tmp_path / "p.yaml"))
    assert "named" == p.get_default_repo().name
    environment_._environment = None
    monkeypatch.delenv("PROVENANCE_CONFIG")
    assert "project" == p.get_default_repo().name


@pytest.mark.parametrize(
    "text", ["tool = 5", "[tool]\nprovenance = 5\n", "[[tool.provenance]]\nartifact_repos = 5\n"]
)
def test_a_table_of_the_project_file_that_is_none_is_named(tmp_path, unconfigured, text):
    """The error names the file and the table."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(
        p.ConfigError,
        match=r"pyproject\.toml, tool(\.provenance)?: must be a table, got .*\[tool\.provenance",
    ):
        once(1)


@pytest.mark.parametrize("text", ["[tool", "[tool.provenance]\nartifact_repo = 1\n"])
def test_a_mistake_in_the_project_file_is_named(tmp_path, unconfigured, text):
    """A `pyproject.toml` that cannot be read, or whose table is wrong, is a ConfigError at the first call."""
    (tmp_path / "pyproject.toml").write_text(text)
    with pytest.raises(p.ConfigError, match=r"pyproject\.toml|artifact_repos"):
        once(1)


def sqlite(**options):
    """An environment over one SQLite repository."""
    store = {"disk": {"type": "disk", "cachedir": options.pop("cachedir", "blobs")}}
    repo = {"type": "sqlite", "db": "records.db", "store": "disk", "inline_limit": 0, **options}
    return p.from_config({"blobstores": store, "artifact_repos": {"local": repo}})


def test_a_file_that_is_no_database_is_named(tmp_path):
    """The error names repository and file and says what to do; the file is left as it was."""
    (tmp_path / "records.db").write_text("these are my notes, not a database " * 100)
    with (
        replacing_environment(sqlite()),
        pytest.raises(p.StoreUnavailableError, match=r"local.*records\.db.*(move|name another)"),
    ):
        once(1)
    assert "these are my notes" == (tmp_path / "records.db").read_text()[:18]


def test_a_foreign_database_is_left_alone(tmp_path):
    """A database of another program is not filled with our tables unasked, or at least keeps its own."""
    with sqlite3.connect(tmp_path / "records.db") as connection:
        connection.execute("CREATE TABLE notes (text)")
        connection.execute("INSERT INTO notes VALUES ('mine')")
    connection.close()
    with replacing_environment(sqlite()):
        once(1)
    connection = sqlite3.connect(tmp_path / "records.db")
    assert [("mine",)] == connection.execute("SELECT * FROM notes").fetchall()
    connection.close()


def test_a_database_is_not_made_unless_it_may(tmp_path):
    """`create_db: false` and no file: an error, and still no file."""
    with (
        replacing_environment(sqlite(create_db=False)),
        pytest.raises(p.StoreUnavailableError, match=r"records\.db"),
    ):
        once(1)
    assert not (tmp_path / "records.db").exists()


@pytest.mark.parametrize("options", [{"cachedir": "occupied/blobs"}, {"db": "occupied/records.db"}])
def test_a_place_that_cannot_be_used_is_named(tmp_path, options):
    """Where the path leads through a file, the error names the place; the user's file stays."""
    (tmp_path / "occupied").write_text("mine")
    with (
        replacing_environment(sqlite(**options)),
        pytest.raises(p.StoreUnavailableError, match=r"occupied|disk") as raised,
    ):
        once(1)
    assert isinstance(raised.value, OSError)
    assert "mine" == (tmp_path / "occupied").read_text()


def test_a_path_that_is_too_long_for_sqlite_is_named(tmp_path):
    """Deep folders with names in Cyrillic or Chinese soon have 504 bytes."""
    folder = tmp_path.joinpath(*["é" * 100] * 3)
    with (
        replacing_environment(sqlite(db=str(folder / "records.db"))),
        pytest.raises(p.StoreUnavailableError, match="choose a shorter path; SQLite takes 504"),
    ):
        once(1)


LOCKED = """
import os
import provenance as p

def config(folder):
    store = {"disk": {"type": "disk", "cachedir": folder + "/blobs"}}
    repo = {"type": "sqlite", "db": folder + "/records.db", "store": "disk"}
    return {"blobstores": store, "artifact_repos": {"local": repo}}

make = p.provenance(name="make")(lambda: 1)
p.load_config(config("open"))
make()  # loads all modules, while they may be read
os.mkdir("locked", 0o555)
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(65534), os.setuid(65534)
p.load_config(config("locked"))
try:
    make()
except p.StoreUnavailableError as error:
    print(str(error))
"""


def test_a_folder_that_may_not_be_written_is_named():
    """Without the right to write there, the first call says which folder it is and what to do."""
    assert "locked" in (message := printed(LOCKED))
    assert "may write" in message or "permission" in message.lower()


FULL_DISK = """
import resource, signal
from pathlib import Path
import provenance as p

make = p.provenance(name="make")(lambda n: bytes(n))
make(10)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, limit))
try:
    make(3_000_000)
except p.StoreUnavailableError as error:
    print(len(error.value))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
print(make.is_cached(3_000_000), make.is_cached(10))
print(sum(each.stat().st_size >= 100_000 for each in Path(".provenance/blobs").rglob("*") if each.is_file()))
print(len(make(3_000_000)), make.is_cached(3_000_000))
"""


def test_a_full_disk_leaves_nothing_half_written(tmp_path):
    """The error holds the result, nothing is recorded and no part of the file stays; later it can be stored."""
    (tmp_path / ".git").mkdir()
    assert ["3000000", "False", "True", "0", "3000000", "True"] == printed(FULL_DISK).split()


def test_permissions_are_kept():
    """What a store's configuration forbids is an error that names operation, store and permission."""
    forbidding = {"artifact_repos": {"fixed": {"type": "memory", "delete": False}}}
    with replacing_environment(p.from_config(forbidding)) as environment:
        artifact = once.artifact(1)
        with pytest.raises(PermissionError, match=r"fixed.*delete") as raised:
            environment.repository().delete(artifact.id)
        assert ("fixed", "delete") == (raised.value.store, raised.value.permission)
        assert artifact.id in environment.repository()


def test_the_run_hook_adds_to_what_is_recorded(repo):
    """It gets what was collected and returns what to keep; it is called once, when something is recorded."""
    calls = []

    def hook(info):
        calls.append(sorted(info))
        return {**info, "ticket": 42}

    p.set_run_info_fn(hook)
    try:
        assert [] == calls
        runs = [once.artifact(i).run_info for i in range(3)]
        assert [42] * 3 == [each.extra["ticket"] for each in runs]
        assert [["git", "host", "packages", "process", "python"]] == calls
    finally:
        p.set_run_info_fn(None)
    assert {} == dict(once.artifact(9).run_info.extra)


def test_a_run_hook_that_fails_fails_no_call(unconfigured, caplog):
    """Everything else is recorded, and one warning names the hook, however many calls and repositories there are."""
    config = {"artifact_repos": {"m": {"type": "memory"}}, "run_info_fn": lambda info: info["nope"]}
    try:
        for _ in range(2):
            p.load_config(config)
            runs = [once.artifact(i).run_info for i in range(2)]
            assert [{}] * 2 == [dict(each.extra) for each in runs]
            assert "python" in str(runs[0].python["executable"]).lower()
    finally:
        p.set_run_info_fn(None)
    (told,) = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert "run_info_fn" in told
    assert "KeyError: 'nope'" in told


def test_a_run_hook_is_a_function():
    """What cannot be called is refused where it is set, as in a dictionary."""
    with pytest.raises(p.ConfigError, match="run_info_fn: must be callable, got 5"):
        p.set_run_info_fn(5)


def test_a_path_of_the_home_folder_is_expanded(monkeypatch, tmp_path, unconfigured):
    """`~` is the user's home, also where the configuration is: no shell expands `--config=~/a.yaml`."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    with replacing_environment(sqlite(db="~/records.db")):
        once(1)
    assert (tmp_path / "home" / "records.db").exists()
    (tmp_path / "home" / "a.yaml").write_text("artifact_repos: {a: {type: sqlite, db: a.db}}")
    monkeypatch.setenv("PROVENANCE_CONFIG", "~/a.yaml")
    assert str(tmp_path / "home" / "a.db") == p.location().records
    p.load_yaml_config("~/a.yaml")
    assert not Path("~").exists()


HOMELESS = """
import os, pwd, sys
import provenance as p

def unknown(uid):
    raise KeyError(uid)

pwd.getpwuid = unknown
del os.environ["HOME"]
for name in [name for name in os.environ if name.startswith("XDG_")]:
    del os.environ[name]
make = p.provenance(name="make")(lambda n: bytes(n))
try:
    make(1)
except p.ConfigError as error:
    print(error)
with open("file", "wb") as file:
    file.write(bytes(2_000_000))
with p.using_repo(p.SqliteRepo(db="records.db", store=p.DiskStore(cachedir="blobs"))):
    print(len(make(100_000)), open(p.archive_file("file", delete_original=True)).read(1) == chr(0))
    print(os.path.exists("file"))
"""


def test_a_user_without_a_home_needs_none(tmp_path):
    """As in a container with a user of its own; there is only no default place for results."""
    refused, *done = printed(HOMELESS).splitlines()
    assert "no default repository is set" in refused
    assert ["100000 True", "False"] == done


def test_a_home_without_its_gitignore_is_read_where_it_cannot_be_written(tmp_path, monkeypatch):
    """A copy often leaves out names that begin with a dot."""
    home = tmp_path / ".provenance"
    with replacing_environment(sqlite(db=str(home / "records.db"))):
        once(1)
    (home / ".gitignore").unlink()
    monkeypatch.setattr(os, "access", lambda _, mode: mode != os.W_OK)
    with replacing_environment(sqlite(db=str(home / "records.db"))):
        assert once.is_cached(1)
    assert not (home / ".gitignore").exists()
