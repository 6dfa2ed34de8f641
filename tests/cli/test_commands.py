"""What each command answers, and with which exit code."""

import csv
import io
import json
import re
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from attrs import evolve

import provenance as p
from cli.conftest import HOSTILE, fill, hostile, load
from provenance.cli.app import COMMANDS, run
from provenance.effect import with_layer
from provenance.ports.machine import CurrentRun
from servers.postgres import server

LISTS = {
    "ls": ["ls"],
    "ls of a function": ["ls", "train"],
    "ls by size": ["ls", "--sort", "size"],
    "search": ["search", "churn.*"],
    "members": ["sets", "models", "--members"],
    "sets": ["sets"],
    "runs": ["runs"],
    "descendants": ["lineage", "--down", "@models/churn.train"],
}


def documents(text):
    """The items of a JSON document that a command printed."""
    document = json.loads(text)
    assert 1 == document["version"]
    return document["items"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["score", "six", "three", "data"]),
        (["train"], ["six", "three"]),
        (["churn.train"], ["six", "three"]),
        (["--fn", "*.train"], ["six", "three"]),
        (["rain"], []),
        (["--input", "config.depth=6"], ["six"]),
        (["--input", "config.depth>=3", "--input", "config.depth!=6"], ["three"]),
        (["--input", 'config={"depth": 3}'], ["three"]),
        (["--input", "config.loss=log"], ["six", "three"]),
        (["--tag", "raw"], ["data"]),
        (["--version", "1"], ["six", "three"]),
        (["--since", "2000-01-01"], ["score", "six", "three", "data"]),
        (["--until", "2000-01-01"], []),
        (["--since", "2d"], []),
        (["--set", "models"], ["six", "three"]),
        (["--set", "@models", "--limit", "1"], ["six"]),
        (["--min-size", "1k"], []),
        (["--min-size", "1"], ["score", "six", "three", "data"]),
        (["--limit", "2"], ["score", "six"]),
        (["--limit", "0"], ["score", "six", "three", "data"]),
        (["--sort", "size", "--limit", "0"], None),
    ],
)
def test_ls_finds_what_meets_the_conditions(call, store, arguments, expected):
    """Its ids are those of `search`, newest first; it exits with 1 if nothing is found."""
    code, out, err = call("ls", "--ids", *arguments)
    found = out.split()
    if expected is None:
        sizes = [p.load_artifact(one).size_bytes for one in found]
        assert sorted(sizes, reverse=True) == sizes
        assert 4 == len(found)
    else:
        assert [store[name].id for name in expected] == found
    assert (0 if found else 1, "") == (code, err)


def test_pages_follow_one_another(call, store):
    """`--after` continues where a page ended, and the last one has no next."""
    found, token = [], None
    while True:
        after = [] if token is None else ["--after", token]
        _, out, _ = call("ls", "--json", "--limit", "1", *after)
        document = json.loads(out)
        found += [item["id"] for item in document["items"]]
        token = document["next"]
        if token is None:
            break
        assert f"--after {token}" in call("ls", "--limit", "1", *after)[1]
    assert [store[name].id for name in ("score", "six", "three", "data")] == found


@pytest.mark.parametrize("name", LISTS)
def test_every_form_holds_the_same(call, store, name):
    """JSON, lines of JSON, CSV, ids and the table have the same ids in the same order."""
    arguments = [
        store["data"].id if word == "@models/churn.train" else word for word in LISTS[name]
    ]
    items = documents(call(*arguments, "--json")[1])
    ids = [item["id"] for item in items]
    assert ids
    assert ids == call(*arguments, "--ids")[1].split()
    assert items == list(map(json.loads, call(*arguments, "--ndjson")[1].splitlines()))
    rows = list(csv.DictReader(io.StringIO(call(*arguments, "--csv")[1])))
    assert ids == [row["id"] for row in rows]
    table = call(*arguments)[1]
    assert ids == [line.split()[0] for line in table.splitlines() if line[:40] in ids]
    _, short, _ = call(*arguments, terminal=True, NO_COLOR="1")
    assert [one[:12] for one in ids] == [
        line.split()[0] for line in short.splitlines() if line[:12] in {one[:12] for one in ids}
    ]


ARTIFACT = {
    "id": str,
    "name": str,
    "fn_version": int,
    "value_id": str,
    "value_type": str,
    "serializer": str,
    "size_bytes": int,
    "compute_duration": float,
    "computed_at": str,
    "run_id": str,
    "tags": list,
    "custom_fields": dict,
    "inputs": dict,
}
USAGE = {"key": str, "artifacts": int, "bytes": int, "seconds": float, "oldest": str, "newest": str}
SCHEMAS = {
    ("ls",): ARTIFACT,
    ("show", "six"): {**ARTIFACT, "version": int, "used_by": list, "fn_module": str},
    ("du",): USAGE,
    ("du", "--by", "run"): USAGE,
    ("stats",): {"artifacts": int, "functions": int, "bytes": int, "records": str, "newest": str},
    ("runs",): {"id": str, "created_at": str, "artifacts": int, "bytes": int, "seconds": float},
    ("sets",): {"id": str, "name": str, "labels": dict, "artifacts": int, "artifact_ids": list},
    ("log",): {"run_id": str, "name": str, "artifacts": int, "ids": list, "newest": str},
    ("lineage", "six"): {"root": str, "nodes": list, "edges": list},
    ("config",): {"repo": str, "records": str, "values": str, "config": str, "settings": dict},
    ("doctor",): {"check": str, "ok": bool, "found": str},
    ("evict", "--older-than", "0s"): {"id": str, "artifact_ids": list, "size_bytes": int},
    ("forget", "six"): ARTIFACT,
}


@pytest.mark.parametrize("arguments", SCHEMAS, ids=" ".join)
def test_json_is_a_promise(call, store, arguments):
    """These keys and types stay: scripts rely on them. New keys may come."""
    with p.using_repo(p.get_default_repo()):
        words = [store[word].id if word in store else word for word in arguments]
        _, out, _ = call(*words, "--json")
    document = json.loads(out)
    assert 1 == document["version"]
    items = document.get("items", [document])
    if arguments[0] != "evict":
        assert items
    for item in items:
        for key, kind in SCHEMAS[arguments].items():
            assert type(item[key]) is kind, key


def test_json_of_checks_tells_the_outcome(call, store):
    """Reports of maintenance have their numbers beside the items."""
    document = json.loads(call("verify", "--json")[1])
    assert (True, 4, []) == (document["is_sound"], document["artifacts"], document["items"])
    assert True is json.loads(call("gc", "--json")[1])["dry_run"]
    assert True is json.loads(call("evict", "--max-bytes", "0", "--json")[1])["dry_run"]


def test_show_and_cat(call, store):
    """The record, the inputs, and the value in several forms."""
    one = store["six"]
    code, out, _ = call("show", one.id[:6])
    assert 0 == code
    assert one.id in out
    assert store["data"].id in out
    assert "rate" in out
    assert "6" in call("show", one.id, "--value")[1]
    assert "run command" in call("show", one.id, "--run")[1]
    assert {"depth": 6, "rate": 0.1} == json.loads(call("cat", one.id)[1])
    assert "0.75\n" == call("cat", store["score"].id, "--as", "text")[1]
    raw = call("cat", store["score"].id, "--as", "raw")[1]
    assert one.size_bytes > 0
    assert raw
    code, _, err = call("cat", one.id, "--as", "csv")
    assert (2, True) == (code, "no CSV form" in err)


def test_cat_writes_files(call, folder):
    """`-o` writes a file; raw bytes are the stored ones."""
    one = p.search("score").first
    assert (0, "", "") == call("cat", one.id, "-o", "value.json")
    assert "0.75\n" == (folder / "value.json").read_text()
    call("cat", one.id, "--as", "raw", "-o", "raw")
    assert one.size_bytes == len((folder / "raw").read_bytes())
    code, _, err = call("cat", one.id, "-o", "missing/value.json")
    assert (2, True) == (code, "cannot write" in err)


def test_lineage_up_and_down(call, store):
    """A tree of sources, to any depth, or what was made from an artifact, or a picture."""
    tree = call("lineage", store["score"].id)[1]
    assert p.lineage(store["score"]).tree() == tree.rstrip("\n")
    assert 2 == len(call("lineage", store["score"].id, "--depth", "1")[1].splitlines())
    assert 1 == len(call("lineage", store["score"].id, "--depth", "0")[1].splitlines())
    down = call("lineage", store["data"].id, "--down", "--ids")[1].split()
    assert {store[name].id for name in ("three", "six", "score")} == set(down)
    document = json.loads(call("lineage", store["score"].id, "--json")[1])
    assert {"from": store["six"].id, "to": store["score"].id, "as": "model"} in document["edges"]
    assert call("lineage", store["score"].id, "--format", "svg")[1].startswith("<svg")
    assert "digraph" in call("lineage", store["score"].id, "--format", "dot")[1]
    assert call("lineage", store["score"].id, "--format", "mermaid")[1].startswith("flowchart")


def test_uses_are_drawn_too(call, store):
    """A tree of what used what with `--depth`, and pictures in all formats."""
    code, out, _ = call("lineage", store["data"].id, "--down", "--depth", "1")
    assert (0, 3) == (code, len(out.splitlines()))
    assert "└─ data: " in out
    code, out, _ = call("lineage", store["data"].id, "--down", "--format", "svg")
    assert (0, True) == (code, "Uses of churn.load" in out)


def test_pictures_are_written_by_suffix(call, folder):
    """The suffix of the file tells the format, unless `--format` does."""
    one = p.search("score").first
    for name, start in {
        "a.svg": "<svg",
        "a.html": "<!DOCTYPE",
        "a.mmd": "flowchart",
        "a.txt": "churn.score",
    }.items():
        assert 0 == call("lineage", one.id, "-o", name)[0]
        assert (folder / name).read_text().lower().startswith(start.lower())


def test_ids_come_from_sets_and_from_pipes(call, store):
    """`@set`, `@set/name` and `-`, one id a line."""
    members = {store["three"].id, store["six"].id}
    assert members == set(call("forget", "@models", "--ids")[1].split())
    assert members == set(call("forget", "@models/churn.train", "--ids")[1].split())
    code, out, _ = call("show", "-", "--ids", stdin=f"\n{store['six'].id[:8]}\n")
    assert (0, f"{store['six'].id}\n") == (code, out)
    assert 2 == call("show", "@models")[0]
    assert 1 == call("show", "@nothing")[0]
    assert 1 == call("show", "@models/other")[0]


def test_nothing_is_deleted_without_yes(call, folder):
    """`forget`, `evict` and `gc` say what they would do, and do it with `--yes`."""
    before = call("ls", "--ids")[1]
    one = p.search("score").first
    for words in (["forget", one.id], ["evict", "--max-bytes", "0", "--older-than", "0s"], ["gc"]):
        code, out, _ = call(*words)
        assert 0 == code
        assert "pass --yes" in out or "no garbage" in out
    assert before == call("ls", "--ids")[1]
    assert 0 == call("verify")[0]
    code, out, _ = call("evict", "--older-than", "0s", "--keep", "train", "--yes")
    assert (0, True) == (code, "evicted" in out)
    assert 2 == call("evict")[0]
    code, out, _ = call("forget", one.id, "--yes")
    assert (0, True) == (code, "deleted 1 artifact" in out)
    assert one.id not in call("ls", "--ids")[1]


def test_some_ids_may_fail(call, store):
    """The rest is done: exit 3; if all fail, exit 1."""
    code, out, err = call("forget", store["six"].id, "123456", "--yes", "--ids")
    assert (3, f"{store['six'].id}\n") == (code, out)
    assert "no artifact '123456'" in err
    assert 1 == call("forget", "123456", "--yes")[0]


def test_what_is_evicted_hinders_no_other_copy(call, folder):
    """A source goes along without its value; an artifact whose own value is gone is named."""
    assert 0 == call("evict", "--older-than", "0s", "--keep", "churn.score", "--yes")[0]
    ids = call("ls", "--ids")[1].split()
    score, data = ids[0], ids[-1]
    for to in ("far.db", "bundle.zip"):
        words = (
            ["export", score, "-o", to] if to == "bundle.zip" else ["promote", score, "--to", to]
        )
        assert (0, "") == call(*words)[::2]
        assert "sound" in call("verify", "-r", to)[1]
    code, out, err = call("promote", data, score, "--to", "other.db", "--ids")
    assert (3, f"{score}\n") == (code, out)
    assert "missing" in err
    p.create_set([p.load_artifact(data), p.load_artifact(score)], "both")
    for number, words in enumerate((["-"], ["@both"])):
        to = f"several{number}.db"
        code, out, err = call(
            "promote", *words, "--to", to, "--ids", stdin=f"123456\n{data}\n{score}\n"
        )
        assert (3, f"{score}\n") == (code, out)
        assert err.count("provenance: ") == (2 if words == ["-"] else 1)


def test_verify_finds_what_is_lost(call, folder):
    """It exits with 1, and names the artifact."""
    one = p.search("score").first
    with p.get_default_repo().engine.begin() as connection:
        connection.exec_driver_sql("update artifacts set value_data = null where id = ?", (one.id,))
    code, out, _ = call("verify")
    assert 1 == code
    assert "BlobMissing" in out
    assert one.id in out
    assert one.id == json.loads(call("verify", "--json")[1])["items"][0]["artifact_id"]


def test_sets_are_made_and_deleted(call, store):
    """`sets create`, `sets NAME`, `sets rm`."""
    code, out, _ = call("sets", "create", "best", store["six"].id[:8], "--json")
    assert (0, [store["six"].id]) == (code, documents(out)[0]["artifact_ids"])
    assert [store["six"].id] == call("sets", "best", "--members", "--ids")[1].split()
    digits = p.load_set_by_name("best").id[:8]
    assert "best" in call("sets", digits)[1]
    assert 0 == call("sets", "rm", "best")[0]
    assert 1 == call("sets", "best")[0]
    assert 2 == call("sets", "create", "best")[0]


def test_runs_are_shown_and_compared(call, store):
    """A run by its first digits, and what differs between two."""
    (item,) = documents(call("runs", "--json")[1])
    assert 4 == item["artifacts"]
    code, out, _ = call("runs", item["id"][:8])
    assert (0, True) == (code, item["id"] in out)
    assert (0, "the environments are the same\n") == call("runs", item["id"], "--diff", item["id"])[
        :2
    ]
    assert 2 == call("runs", "--diff", item["id"])[0]
    assert 1 == call("runs", "0000000000")[0]
    assert 4 == len(call("ls", "--run", item["id"][:8], "--ids")[1].split())


def test_runs_are_below_those_that_started_them(call, store):
    """As an engine's workers are, in the text and in the order of the JSON."""
    worker = "9" * 40

    def answer(ask, proceed):
        found = proceed(ask)
        is_ours = isinstance(ask, CurrentRun)
        return evolve(found, id=worker, parent_id=store["data"].run_id) if is_ours else found

    with p.using_repo(p.get_default_repo().with_layer(lambda base: with_layer(base, answer))):
        load(9)
    items = json.loads(call("runs", "--json")[1])["items"]
    assert [None, items[0]["id"]] == [each["parent_id"] for each in items]
    lines = call("runs")[1].splitlines()
    assert (True, True) == (lines[2].startswith(worker), "└─ " in lines[2])


def test_repositories_copy_to_one_another(call, tmp_path):
    """`promote --to` and `pull --from` copy with sources."""
    config = {
        "artifact_repos": {"mine": {"type": "memory"}, "ours": {"type": "memory"}},
        "default_repo": "mine",
    }
    from cli.conftest import fill

    environment = p.from_config(config, tmp_path)
    with p.environment.replacing_environment(environment):
        made = fill()
        assert 0 == call("promote", made["score"].id, "--to", "ours")[0]
        assert 3 == len(call("ls", "-r", "ours", "--ids")[1].split())
        assert 0 == call("pull", made["three"].id, "--from", "mine", "-r", "ours")[0]
        assert 4 == len(call("ls", "-r", "ours", "--ids")[1].split())
        assert 4 == len(call("ls", "--ids", PROVENANCE_REPO="ours")[1].split())
        assert 2 == call("promote", made["score"].id, "--to", "other")[0]


def test_a_file_is_a_repository(call, folder):
    """`-r FILE` reads any SQLite file; what could execute code is refused without `--trust`."""
    file = folder / ".provenance" / "provenance.db"
    one = p.search("score").first
    for name in (file, file.parent):
        assert 4 == len(call("ls", "-r", name, "--ids")[1].split())
    assert (0, "0.75\n") == call("cat", one.id, "-r", file)[:2]
    pair = p.artifact_of(p.provenance(name="pair")(lambda: {"pair": re.compile("x")})())
    assert "joblib" == pair.serializer
    code, out, err = call("cat", pair.id, "-r", file)
    assert (5, "", True) == (code, out, "refusing to load 'joblib' data" in err)
    assert (0, "{'pair': re.compile('x')}\n") == call("cat", pair.id, "-r", file, "--trust")[:2]
    assert 4 == call("ls", "-r", folder / "other.db")[0]
    assert not (folder / "other.db").exists()


def test_looking_creates_nothing(call, tmp_path, monkeypatch):
    """In a folder without a store the commands say so, with exit 4."""
    (tmp_path / "pyproject.toml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROVENANCE_CONFIG", raising=False)
    with p.environment.replacing_environment(p.config.api.default_environment()):
        for words in (["ls"], ["stats"], ["sets"], ["verify"], ["gc", "--yes"]):
            code, out, err = call(*words)
            assert (4, "") == (code, out)
            assert "does not exist" in err
        code, out, _ = call("doctor")
        assert (0, True) == (code, "created by the first decorated call" in out)
        assert 1 == call("doctor", "--repo", "./absent.db")[0]
        (tmp_path / ".provenance").touch()
        code, out, _ = call("doctor")
        assert (1, True) == (code, "cannot be created" in out)
        (tmp_path / ".provenance").unlink()
        assert 0 == call("config")[0]
    assert ["pyproject.toml"] == [path.name for path in tmp_path.iterdir()]


def test_a_chain_is_there_if_a_member_is(call, folder):
    """A member that holds nothing yet hinders no command; without any the commands say so."""
    members = {name: {"type": "sqlite", "db": f"{name}.db"} for name in ("near", "far")}
    chains = {
        "inner": {"type": "chained", "stores": ["far"]},
        "both": {"type": "chained", "stores": ["near", "inner"]},
    }
    config = {"artifact_repos": members | chains, "default_repo": "both"}
    with p.environment.replacing_environment(p.from_config(config)):
        code, _, err = call("ls")
        assert (4, True) == (code, "does not exist" in err)
        assert not (folder / "near.db").exists()
        with p.using_repo("far"):
            fill()
        for words in (["ls"], ["ls", "-r", "inner"], ["sets", "models"], ["verify"], ["gc"]):
            code, out, err = call(*words)
            assert (0, True, "") == (code, bool(out), err), words
        report = call("doctor")[1]
        assert "'both' answers: 4 artifacts" in report
        assert f"writable {folder / 'far.db'}" in report


def test_sql_reads_only(call, folder):
    """Rows come as in other tables; writing is refused."""
    statement = "select name, count(*) as n from artifacts where name like :name group by 1"
    items = documents(call("sql", statement, "-p", "name=%train", "--json")[1])
    assert [{"name": "churn.train", "n": 2}] == items
    assert "churn.train" in call("sql", statement, "-p", "name=%train")[1]
    assert (1, "no rows\n") == call("sql", statement, "-p", "name=x")[:2]
    for wrong in ("delete from artifacts", "drop table artifacts", "nonsense"):
        code, _, err = call("sql", wrong)
        assert (2, True) == (code, "the database refuses it" in err)
    assert 2 == call("sql", statement, "-p", "name")[0]
    assert 4 == len(call("ls", "--ids")[1].split())
    assert 0 == call("migrate")[0]


def test_sql_reads_only_in_postgres_too(call, tmp_path):
    """No statement leaves the transaction that only reads, and parameters are filled in."""
    repo = p.PostgresRepo(db=server(18).database_for(tmp_path))
    repo.migrate()
    with p.using_repo(repo):
        for wrong in (
            "delete from artifacts",
            "COMMIT; CREATE TABLE mine (i int); SELECT 1",
            "ROLLBACK; SET default_transaction_read_only = off; DROP TABLE artifacts",
            "nonsense",
        ):
            code, _, err = call("sql", wrong)
            assert (2, True) == (code, "the database refuses it" in err), wrong
        assert (1, "no rows\n") == call("sql", "select * from artifacts where id like '%'")[:2]
        statement = "select :n::int + 1 as n, 'a%' as percent"
        items = documents(call("sql", statement, "-p", "n=2", "--json")[1])
        assert [{"n": 3, "percent": "a%"}] == items


def test_sql_needs_a_database(call, store):
    """A repository in memory has none."""
    code, _, err = call("sql", "select 1")
    assert (2, True) == (code, "no SQL database" in err or "SQL database" in err)


def test_what_is_stored_meanwhile_is_not_of_the_future(call, folder, monkeypatch):
    """The doctor compares with the time at which it looks, not with that at which it was called."""
    functions = p.functions

    def storing(repo):
        load(2_000)
        return functions(repo)

    monkeypatch.setattr(p, "functions", storing)
    items = documents(call("doctor", "--json")[1])
    assert [True] == [item["ok"] for item in items if item["check"] == "clock"]


def test_the_doctor_writes_a_bundle(call, folder):
    """It has the checks and the packages, and nothing of the user's."""
    code, out, _ = call("doctor", "--bundle", "bundle.zip")
    assert (0, True) == (code, "all is well" in out)
    with ZipFile(folder / "bundle.zip") as bundle:
        assert ["doctor.json", "packages.txt"] == sorted(bundle.namelist())
        assert json.loads(bundle.read("doctor.json"))["checks"]
        assert b"click==" in bundle.read("packages.txt")


def test_what_a_store_says_is_shown_not_obeyed(call, store):
    """Control characters, markup and bidirectional overrides of names come out as text."""
    made = p.artifact_of(hostile(HOSTILE))
    p.create_set([made], HOSTILE)
    commands = [
        ["ls"], ["show", made.id], ["show", made.id, "--value"], ["log"], ["du"], ["sets"],
        ["lineage", made.id], ["sets", HOSTILE], ["sets", "rm", HOSTILE + "x"],
        ["forget", made.id], ["ls", HOSTILE + "x"], ["cat", made.id], ["ls", "--csv"], ["ls", "--json"],
        ["evict", "--older-than", "0s"], ["verify"], ["ls", "--ndjson"], ["show", HOSTILE],
    ]  # fmt: skip
    for words in commands:
        for terminal in (False, True):
            if words[0] == "cat" and not terminal:
                continue
            _, out, err = call(*words, terminal=terminal)
            for text in (out, err):
                plain = text.replace("\x1b[1m", "").replace("\x1b[0m", "").replace("\x1b[m", "")
                assert "\x1b" not in plain, words
                assert "\x07" not in plain
                assert "\u202e" not in plain
    assert "[red]" in call("ls")[1]
    assert HOSTILE == documents(call("ls", "--json")[1])[0]["tags"][0]
    assert HOSTILE == call("cat", made.id)[1].rstrip("\n")


def test_colors_are_for_terminals(call, store):
    """NO_COLOR, --no-color and a pipe turn them off, FORCE_COLOR on."""
    assert "\x1b[1m" in call("ls", terminal=True)[1]
    for plain in (
        call("ls"),
        call("ls", terminal=True, NO_COLOR="1"),
        call("ls", "--no-color", terminal=True),
        call("ls", "--no-color", FORCE_COLOR="1"),
    ):
        assert "\x1b" not in plain[1]
    assert "\x1b[1m" in call("ls", FORCE_COLOR="1")[1]


def test_a_narrow_terminal_keeps_the_ids(call, store):
    """Names and inputs are cut, with an ellipsis; what does not fit at all is left out, column by column."""
    for width, titles in (
        (110, "ID FUNCTION VERSION VALUE SIZE SECONDS WHEN INPUTS"),
        (80, "ID FUNCTION SIZE SECONDS WHEN INPUTS"),
        (66, "ID FUNCTION WHEN INPUTS"),
    ):
        _, out, _ = call("ls", terminal=True, COLUMNS=str(width), NO_COLOR="1")
        first, *rows = out.splitlines()
        assert titles == " ".join(first.split())
        assert all(len(line) <= width for line in rows)
        assert store["six"].id[:12] in out
        assert width == 110 or rows[1].endswith("…")


def test_what_the_encoding_of_the_output_lacks_is_escaped(store, monkeypatch):
    """A Latin-1 terminal or pipe has no lines for a tree; the command still answers."""
    out = io.TextIOWrapper(io.BytesIO(), "latin-1", write_through=True)
    monkeypatch.setattr(sys, "stdout", out)
    (score,) = p.search("churn.score")
    assert 0 == run(["lineage", score.id])
    assert rb"\u2514\u2500 model: churn.train" in out.buffer.getvalue()


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["ls", "--help"], ["completion", "bash"], ["ls"]]
)
def test_a_full_disk_behind_the_output_is_named(store, monkeypatch, capsys, words):
    """The help of a command says the same as the command itself, and is no bug of ours either."""
    with Path("/dev/full").open("wb", buffering=0) as full:
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(full, write_through=True))
        assert 2 == run(words)
    err = capsys.readouterr().err
    assert "provenance: cannot write to the standard output: No space left on device\n" == err


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (2, ["lss"]),
        (2, []),
        (2, ["ls", "--since", "soon"]),
        (2, ["ls", "--since", "99999999999d"]),
        (2, ["gc", "--older-than", "99999999999d"]),
        (2, ["ls", "--after", "99999999999999999999"]),
        (2, ["ls", "--min-size", "big"]),
        (2, ["ls", "--input", "x"]),
        (2, ["ls", "a", "--fn", "b"]),
        (2, ["gc", "--older-than", "old"]),
        (2, ["du", "--by", "color"]),
        (2, ["du", "--ids", "--nonsense"]),
        (2, ["ls", "-r", "other"]),
        (2, ["ls", "--config", "missing.yaml"]),
        (1, ["show", "123456"]),
        (1, ["ls", "nothing"]),
        (0, ["--version"]),
        (0, ["ls", "--help"]),
        (0, ["--help"]),
    ],
)
def test_exit_codes(call, store, code, words):
    """What scripts rely on; errors are on stderr, and the answer alone on stdout."""
    found, out, err = call(*words)
    assert code == found
    assert (err == "") == (code == 0 or words == ["ls", "nothing"])
    if code == 2:
        assert out == ""


def test_errors_are_json_too(call, store):
    """With `--json` the last line on stderr is an object."""
    code, out, err = call("show", "123456", "--json")
    document = json.loads(err.splitlines()[-1])
    assert (1, "") == (code, out)
    assert ("exit_error", 1) == (document["message_type"], document["code"])
    assert "123456" in document["message"]


def test_a_bug_is_told_apart(call, store, monkeypatch):
    """An unexpected error exits with 70, and shows its traceback with `-v`."""

    def fail(*_, **__):
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr(p, "functions", fail)
    code, _, err = call("stats")
    assert (70, 1) == (code, len(err.splitlines()))
    assert "ZeroDivisionError" in err
    assert "Traceback" in call("stats", "-v")[2]


def test_an_interrupt_ends_it(call, store, monkeypatch):
    """Exit 130, as a shell has it."""

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(p, "functions", interrupt)
    assert 130 == call("stats")[0]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(call, name):
    """A sentence on what it does, and its options."""
    code, out, _ = call(name, "--help")
    assert 0 == code
    assert f"Usage: provenance {name}" in out
    assert len(out.splitlines()) > 4
    assert r"\b" not in out  # the escape by which click keeps lines apart
