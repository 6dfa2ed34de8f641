"""OpenLineage events go out as calls end."""

import asyncio
import http.server
import threading

import pytest

import provenance as p
from exchange.conftest import load, pipeline, table
from exchange.test_formats import check_events


@pytest.fixture
def collector():
    """The address of a collector, what was posted there, and the answers that it gives (200 by default)."""
    posted, answers = [], []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((dict(self.headers), body.decode()))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *_):
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/api/v1/lineage", posted, answers
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_call_that_is_computed_is_a_run_in_a_file(memory_repo, tmp_path):
    """With its inputs, and valid; hits are not told, and nothing is after the end of the block."""
    path = tmp_path / "events.ndjson"
    with p.emit_openlineage(path, namespace="churn"):
        pipeline()
        events = check_events(path.read_text("utf-8"))
        pipeline()
    table(load(5), 3)
    assert events == check_events(path.read_text("utf-8"))
    assert ["START", "COMPLETE"] * 4 == [event["eventType"] for event in events]
    assert ["load", "table", "split", "describe"] == [event["job"]["name"] for event in events[::2]]
    assert {"churn"} == {event["job"]["namespace"] for event in events}
    (used,) = events[3]["inputs"]
    assert events[1]["outputs"][0]["name"] == used["name"]


def test_lines_are_appended(memory_repo, tmp_path):
    """What is in the file stays."""
    path = tmp_path / "events.ndjson"
    path.write_text("{}\n")
    with p.emit_openlineage(path):
        load(1)
    assert 3 == len(path.read_text("utf-8").splitlines())


def test_events_are_posted(memory_repo, collector):
    """Each as a JSON document, with the headers that were given."""
    url, posted, _ = collector
    with p.emit_openlineage(url, headers={"Authorization": "Bearer of-news"}):
        load(2)
    headers, bodies = zip(*posted, strict=True)
    assert ("application/json", "Bearer of-news") == (
        headers[0]["Content-Type"],
        headers[0]["Authorization"],
    )
    check_events("\n".join(bodies))


def test_a_collector_that_fails_fails_no_call(memory_repo, collector, caplog):
    """It is logged, and after three failures in a row nothing more is sent."""
    url, posted, answers = collector
    answers += [500, 200, 200, 500, 500, 500]
    with p.emit_openlineage(url):
        for count in range(8):
            assert count == len(load(count))
    assert 6 == len(posted)
    warnings = [each.getMessage() for each in caplog.records if "OpenLineage" in each.getMessage()]
    assert 4 == len(warnings)
    assert warnings[-1].endswith("no more events are sent")
    with p.emit_openlineage("nowhere/events.ndjson"):
        load(9)


@p.provenance(name="break")
def broken(data, after=0):
    """Raise an error."""
    raise ValueError(f"no model of {len(data)} values")


@p.provenance(name="break in the middle", stream=True)
def breaking(count):
    """Raise an error after two items."""
    yield from range(2)
    raise ValueError("no third")


def test_a_call_that_fails_is_a_run_that_failed(memory_repo, tmp_path):
    """With the error and what it used; a later call of the same is another run, and the error reaches the caller."""
    path, raised = tmp_path / "events.ndjson", p.stats().raised
    with p.emit_openlineage(path):
        data = load(3)
        for _ in range(2):
            with pytest.raises(ValueError, match="no model of 3"):
                broken(data)
        with pytest.raises(ValueError, match="no third"):
            list(breaking(3))
        with pytest.raises(ValueError, match="no model of 3"):
            asyncio.run(p.provenance(name="later")(waiting)(data))
    events = check_events(path.read_text("utf-8"))
    assert ["START", "COMPLETE", *["START", "FAIL"] * 4] == [each["eventType"] for each in events]
    fails = events[3::2]
    assert 4 == len({each["run"]["runId"] for each in fails})
    assert [each["run"]["runId"] for each in events[2::2]] == [
        each["run"]["runId"] for each in fails
    ]
    first = fails[0]
    assert "ValueError: no model of 3 values" == first["run"]["facets"]["errorMessage"]["message"]
    assert [f"load/{p.artifact_of(data).id}"] == [each["name"] for each in first["inputs"]]
    assert [] == first["outputs"]
    assert raised + 4 == p.stats().raised


async def waiting(data):
    """Raise an error, asynchronously."""
    raise ValueError(f"no model of {len(data)} values")


def test_a_process_is_the_parent_of_its_calls(memory_repo, tmp_path):
    """All calls of a process have one, and a call in a worker has the driver for its root."""
    path = tmp_path / "events.ndjson"
    with p.emit_openlineage(path):
        load(1)
        list(load.map([2, 3], engine="processes"))
    events = check_events(path.read_text("utf-8"))
    parents = [each["run"]["facets"]["parent"] for each in events]
    driver = parents[0]["run"]["runId"]
    assert "root" not in parents[0]
    assert {driver} == {each["root"]["run"]["runId"] for each in parents[2:]}
    assert driver not in {each["run"]["runId"] for each in parents[2:]}


def test_what_is_stored_nowhere_is_not_sent(memory_repo, tmp_path):
    """There is no artifact that others could look up."""
    reading = load.with_options(name="load", read_only=True)
    with p.emit_openlineage(tmp_path / "events.ndjson"):
        reading(4)
    assert not (tmp_path / "events.ndjson").exists()


def test_another_repository_can_be_named(memory_repo, tmp_path):
    """Where functions store in one that is not the default."""
    other = p.MemoryRepo("other")
    path = tmp_path / "events.ndjson"
    with p.emit_openlineage(path, repo=other):
        load.with_options(name="load", repo=other)(4)
    assert 2 == len(path.read_text("utf-8").splitlines())


def test_an_address_of_another_kind_is_refused():
    """Lines go to files and web addresses."""
    with pytest.raises(p.ConfigError, match="ftp"):
        p.emit_openlineage("ftp://host/x")
