"""Stores that are elsewhere, as users configure them: with copies near, with credentials, with mistakes."""

import logging
from pathlib import Path

import pytest

import provenance as p
from later import in_a_day
from processes import printed
from provenance.ports.blobs import HasBlob
from servers import gcs, moto_s3, seaweed, sftp
from servers.running import free_port

LARGE = 5_000


@p.provenance()
def numbers(n):
    """A large value."""
    return list(range(n))


def of(environment, **store):
    """An environment with one repository whose large values are in one store."""
    repo = {
        "type": "sqlite",
        "db": "records.db",
        "store": "team",
        "delete": True,
        "inline_limit": 0,
    }
    return p.from_config(
        {"blobstores": {"team": store}, "artifact_repos": {"shared": repo}}, environment
    )


def s3(folder, **options):
    """Such a store in S3, with a place of its own."""
    return {
        "type": "s3",
        "basepath": f"{moto_s3.BUCKET}/{folder.name}",
        "storage_options": moto_s3.storage_options(),
        "delete": True,
        **options,
    }


def files(folder):
    """All blobs below a folder, by path, with their bytes."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def handles(folder):
    """A handle of each kind."""
    key = folder.name
    host = {"host": sftp.HOST, "port": sftp.port()}
    return {
        "s3": p.S3Store(
            basepath=f"{moto_s3.BUCKET}/{key}", storage_options=moto_s3.storage_options()
        ),
        "s3 with bucket": p.S3Store(
            bucket=seaweed.BUCKET, basepath=key, storage_options=seaweed.storage_options()
        ),
        "gs": p.GSStore(basepath=f"gs://{gcs.BUCKET}/{key}", storage_options=gcs.storage_options()),
        "sftp": p.SFTPStore(**host, basepath=f"/{key}", storage_options=sftp.storage_options()),
        "sftp by url": p.FsspecStore(
            url=f"sftp://{sftp.USER}:{sftp.PASSWORD}@{sftp.HOST}:{sftp.port()}/{key}",
            storage_options={
                "known_hosts": sftp.storage_options()["known_hosts"],
                "client_keys": None,
            },
        ),
        "s3 by url": p.FsspecStore(
            url=f"s3://{moto_s3.BUCKET}/{key}", storage_options=moto_s3.storage_options()
        ),
        "files": p.FsspecStore(url=f"file://{folder}/files"),
        "memory": p.FsspecStore(url=f"memory://{key}"),
    }


@pytest.mark.parametrize(
    "name", ["s3", "s3 with bucket", "s3 by url", "gs", "sftp", "sftp by url", "files", "memory"]
)
def test_handles(tmp_path, name):
    """Each is made without a configuration, and keeps bytes."""
    store = handles(tmp_path)[name]
    blob = store.put(b"bytes")
    assert blob in store
    assert b"bytes" == store.get(blob) == store[blob]
    store.delete(blob)
    assert blob not in store


def test_what_one_computes_others_hit(tmp_path):
    """Two with disks of their own share a bucket: what one computed is a hit for the other, and then on his disk, too."""
    one, two = (of(tmp_path, **s3(tmp_path, cachedir=name)) for name in ("one", "two"))
    with p.using_repo(one.repository()):
        made = p.artifact_of(numbers(LARGE))
    assert {f"{made.content_digest[:2]}/{made.content_digest[2:]}"} == set(files(tmp_path / "one"))
    assert {} == files(tmp_path / "two")
    with p.using_repo(two.repository()):
        p.reset_stats()
        assert list(range(LARGE)) == numbers(LARGE)
        assert (1, 0) == (p.stats().hits, p.stats().misses)
    assert files(tmp_path / "one") == files(tmp_path / "two")


def test_what_is_near_is_read_without_going_there(tmp_path, monkeypatch):
    """Once the bytes are on the near disk, the far place may be out of reach."""
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near")).repository()):
        numbers(LARGE)
    gone = {**moto_s3.storage_options(), "endpoint_url": f"http://127.0.0.1:{free_port()}"}
    offline = s3(tmp_path, cachedir="near", storage_options=gone, timeout=1, deadline=1)
    with p.using_repo(of(tmp_path, **offline).repository()):
        p.reset_stats()
        assert list(range(LARGE)) == numbers(LARGE)
        assert (1, 0) == (p.stats().hits, p.stats().misses)


def test_a_failed_upload_leaves_nothing_near(tmp_path):
    """What did not reach the far place is not there: not near either, and later it is computed and stored everywhere."""
    gone = {**moto_s3.storage_options(), "endpoint_url": f"http://127.0.0.1:{free_port()}"}
    offline = s3(tmp_path, cachedir="near", storage_options=gone, timeout=1, deadline=1)
    with (
        p.using_repo(of(tmp_path, **offline).repository()),
        pytest.raises(p.StoreUnavailableError, match="'team' is unavailable") as raised,
    ):
        numbers(LARGE)
    assert list(range(LARGE)) == raised.value.value
    assert {} == files(tmp_path / "near")
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near")).repository()):
        assert not numbers.is_cached(LARGE)
        made = p.artifact_of(numbers(LARGE))
    far = p.S3Store(
        basepath=f"{moto_s3.BUCKET}/{tmp_path.name}", storage_options=moto_s3.storage_options()
    )
    assert far[made.value_blob] == next(iter(files(tmp_path / "near").values()))


@pytest.mark.parametrize("always", [False, True])
def test_the_remote_may_always_be_asked(tmp_path, always):
    """With `always_check_remote` what is near alone is not there; without, it is."""
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near")).repository()):
        made = p.artifact_of(numbers(LARGE))
    p.S3Store(
        basepath=f"{moto_s3.BUCKET}/{tmp_path.name}", storage_options=moto_s3.storage_options()
    ).delete(made.value_blob)
    repo = of(tmp_path, **s3(tmp_path, cachedir="near", always_check_remote=always)).repository()
    assert (not always) == repo.interpreter(HasBlob(made.value_blob))


def test_deleting_deletes_near_and_far(tmp_path):
    """A deleted artifact's bytes are nowhere."""
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near")).repository()):
        made = p.artifact_of(numbers(LARGE))
    with p.using_repo(in_a_day(of(tmp_path, **s3(tmp_path, cachedir="near")).repository())):
        numbers.forget(LARGE)
    far = p.S3Store(
        basepath=f"{moto_s3.BUCKET}/{tmp_path.name}", storage_options=moto_s3.storage_options()
    )
    assert made.value_blob not in far
    assert {} == files(tmp_path / "near")


def test_a_damaged_copy_is_healed_from_afar(tmp_path):
    """Near bytes that are not what was stored are put aside, and taken from the far place again."""
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near")).repository()) as repo:
        made = p.artifact_of(numbers(LARGE))
        path = tmp_path / "near" / made.content_digest[:2] / made.content_digest[2:]
        sound = path.read_bytes()
        path.write_bytes(sound[:-1] + b"?")
        assert list(range(LARGE)) == repo[made.id].value
        assert sound == path.read_bytes()


def test_a_store_that_may_only_be_read(tmp_path):
    """With `write: false` nothing is stored, and what is there comes near."""
    with p.using_repo(of(tmp_path, **s3(tmp_path)).repository()):
        numbers(LARGE)
    with p.using_repo(of(tmp_path, **s3(tmp_path, cachedir="near", write=False)).repository()):
        assert list(range(LARGE)) == numbers(LARGE)
        assert 1 == len(files(tmp_path / "near"))
        with pytest.raises(p.StorePermissionError, match="team"):
            numbers(LARGE + 1)


CLEANING = """
import os, sys
from pathlib import Path
import provenance as p

folder = Path(sys.argv[-1] if len(sys.argv) > 1 else ".")
def store(**options):
    return p.FsspecStore(url="memory://x", cachedir="near/copies", **options)
"""


def left(code):
    """Run *code* in a process of its own; which files are left by it, below `near`."""
    printed(CLEANING + code)
    return sorted(str(path) for path in Path("near").rglob("*"))


def test_cleanup_removes_what_the_process_made():
    """With `cleanup_cachedir` the folder is there while the process lives, and goes with it."""
    assert (
        []
        == left(
            's = store(cleanup_cachedir=True); s.put(b"x"); assert Path("near/copies").is_dir()'
        )[1:]
    )
    assert not Path("near/copies").exists()


def test_cleanup_waits_for_the_end_of_the_process():
    """That a store is used no more removes nothing; neither does the end of a forked child."""
    code = """
import gc
s = store(cleanup_cachedir=True)
blob = s.put(b"x")
child = os.fork()
if child == 0:
    sys.exit(0)
os.waitpid(child, 0)
del s
gc.collect()
assert Path("near/copies").is_dir()
assert blob in store()
"""
    assert "near/copies" in left(code)  # another store uses it, which does not want it removed


def test_cleanup_spares_what_was_there_before():
    """A folder that somebody else made stays, with what is in it."""
    Path("near/copies").mkdir(parents=True)
    Path("near/copies/mine").write_text("mine")
    assert "near/copies/mine" in left('store(cleanup_cachedir=True).put(b"x")')


@pytest.mark.parametrize("cachedir", ["near/copies", "near", "near/copies/deeper"])
def test_cleanup_spares_what_another_store_uses(cachedir):
    """A folder that a store on disk uses, too, or one around it or inside it, stays."""
    assert "near/copies" in left(
        f'store(cleanup_cachedir=True).put(b"x"); p.DiskStore(cachedir="{cachedir}")'
    )


def test_cleanup_spares_what_another_process_uses():
    """A folder that another process uses, too, stays: that one found it there, and outlives the first."""
    code = """
import atexit, subprocess
others = []
atexit.register(lambda: [each.communicate(b".") for each in others])  # the last to be called: the library comes later
store(cleanup_cachedir=True).put(b"x")
other = "import sys, provenance as p; p.FsspecStore(url='memory://x', cachedir='near/copies'); print(flush=True); input()"
others.append(subprocess.Popen([sys.executable, "-c", other], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
others[0].stdout.readline()
"""
    assert "near/copies" in left(code)


def test_cleanup_without_a_folder_uses_a_temporary_one():
    """Where no `cachedir` is named, a temporary folder serves while the process lives."""
    code = """
import tempfile
tempfile.tempdir = os.getcwd() + "/near"
os.mkdir("near")
s = p.FsspecStore(url="memory://x", cleanup_cachedir=True)
blob = s.put(b"x")
assert [blob.id[2:]] == [each.name for each in Path("near").rglob("*") if each.is_file() and each.name != ".lock" and "cachedir" in str(each)]
"""
    assert [] == [each for each in left(code) if "cachedir" in each]


MISSING = """
import sys
sys.modules["{module}"] = None
import provenance as p
try:
    p.{handle}
except p.MissingLibraryError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ("module", "requirement", "handle"),
    [
        ("s3fs", "s3fs", 'S3Store(basepath="b/x")'),
        ("gcsfs", "gcsfs", 'GSStore(basepath="b/x")'),
        ("adlfs", "adlfs", 'AzureStore(basepath="b/x")'),
        ("sshfs", "sshfs", 'SFTPStore(host="h", basepath="x")'),
        ("s3fs", "s3fs", 'FsspecStore(url="s3://b/x")'),
        ("smbclient", "'fsspec[smb]'", 'FsspecStore(url="smb://h/x")'),
        ("webdav4", "webdav4", 'FsspecStore(url="webdav://h/x")'),
    ],
)
def test_a_missing_library_is_named(module, requirement, handle):
    """The error names the library to install, when the store is made."""
    message = printed(MISSING.format(module=module, handle=handle))
    assert f"needs {module}: pip install {requirement}" in message
    assert "provenance[" not in message


MISTAKES = {
    "bucket": ({"type": "s3"}, "no bucket in"),
    "empty": ({"type": "gs", "basepath": "gs://"}, "no bucket in"),
    "key": ({"type": "s3", "basepath": "b/x", "cachdir": "y"}, "did you mean 'cachedir'"),
    "host": ({"type": "sftp", "basepath": "x"}, "host"),
    "url": ({"type": "fsspec", "url": "s3://"}, "url is empty"),
    "options": (
        {"type": "s3", "basepath": "b", "storage_options": "hunter2hunter2"},
        "must be a mapping",
    ),
    "deadline": ({"type": "s3", "basepath": "b", "deadline": 0}, "deadline"),
    "timeout": ({"type": "s3", "basepath": "b", "timeout": "soon"}, "timeout"),
    "duplicates": (
        {"type": "disk", "cachedir": "x", "on_duplicate_key": "ignore"},
        "on_duplicate_key",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_named(name):
    """The ConfigError says where it is and what is wrong, and quotes no secret."""
    store, words = MISTAKES[name]
    with pytest.raises(p.ConfigError, match=words) as raised:
        p.from_config({"blobstores": {"team": store}, "artifact_repos": {}})
    assert "blobstores.team" in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_an_unknown_file_system_is_named():
    """The error quotes the beginning of the URL, and no password in it."""
    with pytest.raises(p.ConfigError, match="'s4'") as raised:
        p.FsspecStore(url="s4://me:hunter2hunter2@b/x")
    assert "hunter2" not in str(raised.value)


def test_credentials_come_from_the_environment_and_are_not_shown(tmp_path, monkeypatch, caplog):
    """`${NAME}` is filled in at any depth; its value is in no repr, no error and no log line."""
    caplog.set_level(logging.DEBUG, "provenance")
    monkeypatch.setenv("SECRET", "hunter2hunter2")
    nested = {
        "key": "k",
        "secret": "${SECRET}",
        "client_kwargs": {"aws_session_token": "${SECRET}"},
    }
    gone = {**nested, "endpoint_url": f"http://127.0.0.1:{free_port()}"}
    environment = of(tmp_path, **s3(tmp_path, storage_options=gone, timeout=1, deadline=1))
    assert (
        "hunter2hunter2"
        == environment.config.blobstores["team"].storage_options["client_kwargs"][
            "aws_session_token"
        ]
    )
    with p.using_repo(environment.repository()), pytest.raises(p.StoreUnavailableError) as raised:
        numbers(LARGE)
    shown = [
        repr(environment),
        repr(environment.config),
        repr(environment.repository()),
        str(raised.value),
        caplog.text,
    ]
    assert [] == [each for each in shown if "hunter2" in each]
    url = p.from_config(
        {"blobstores": {"x": {"type": "fsspec", "url": "sftp://me:hunter2hunter2@h/x"}}}
    )
    assert "hunter2" not in repr(url.config)
    assert "sftp://h/x" in repr(url.config)
