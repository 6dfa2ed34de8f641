"""Who may ask what: hosts, the token, methods, headers."""

import time

import pytest
from starlette.testclient import TestClient

import provenance as p
from provenance.ui.app import POLICY, create_app, is_loopback
from ui.conftest import BASE, TOKEN, client_of


@pytest.fixture
def stranger(store):
    """A client without the token."""
    return TestClient(create_app(p.get_default_repo(), TOKEN), base_url=BASE)


@pytest.mark.parametrize("path", ["/", "/a/{id}", "/api/v1/artifacts", "/assets/style.css", "/no"])
def test_without_the_token_nothing_is_shown(store, stranger, path):
    """Other users of the machine can reach the port, and learn nothing."""
    answer = stranger.get(path.format(id=store["data"].id))
    assert 403 == answer.status_code
    assert "churn" not in answer.text
    assert 403 == stranger.get(path, headers={"cookie": "provenance-8000=wrong"}).status_code
    assert 403 == stranger.get(f"{path}?token=wrong").status_code


def test_the_token_becomes_a_cookie(stranger):
    """It goes from the address into a cookie that no script and no other site can use."""
    answer = stranger.get(f"/artifacts?token={TOKEN}&name=train", follow_redirects=False)
    assert (303, "/artifacts?name=train") == (answer.status_code, answer.headers["location"])
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/"} <= {part.strip() for part in cookie.split(";")}
    assert 200 == stranger.get("/artifacts").status_code


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "//evil.example/%2f.."])
def test_the_token_leads_nowhere_else(stranger, path):
    """A prepared address with the token cannot lead to another server."""
    url = f"{BASE}{path}?token={TOKEN}"
    location = stranger.get(url, follow_redirects=False).headers["location"]
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8000",
        "127.0.0.1",
        "127.0.0.1:9",
        "127.0.0.1.evil.example:8000",
    ],
)
def test_a_foreign_host_is_refused(client, host):
    """A name of another site that resolves to this machine (DNS rebinding) gets nothing."""
    answer = client.get("/", headers={"host": host})
    assert 421 == answer.status_code
    assert "churn" not in answer.text


@pytest.mark.parametrize(
    "host", ["127.0.0.1:8000", "localhost:8000", "[::1]:8000", "LOCALHOST:8000"]
)
def test_names_of_this_machine_are_known(client, host):
    """All of them lead here."""
    headers = {"host": host, "cookie": f"provenance-8000={TOKEN}"}
    assert 200 == client.get("/runs", headers=headers).status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_only_reading_exists(client, method):
    """No method changes anything, on no path."""
    answer = client.request(method, "/")
    assert (405, "GET, HEAD") == (answer.status_code, answer.headers["allow"])


def test_head_is_get_without_the_page(client):
    """HEAD answers as GET does."""
    answer = client.head("/artifacts")
    assert (200, b"") == (answer.status_code, answer.content)


@pytest.mark.parametrize("path", ["/", "/artifacts", "/no", "/assets/script.js", "/api/v1/stats"])
def test_every_answer_has_the_policy(client, path):
    """Nothing is loaded from elsewhere, framed, sniffed, cached or told to others."""
    headers = client.get(path).headers
    assert POLICY == headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert "nosniff" == headers["x-content-type-options"]
    assert "no-store" == headers["cache-control"]
    assert "no-referrer" == headers["referrer-policy"]
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "path",
    [
        "/a/..%2F..%2Fetc%2Fpasswd",
        "/a/zzzzzz",
        "/a/abc",
        "/a/" + "a" * 41,
        "/s/../../etc",
        "/r/%00",
        "/assets/..%2Fapp.py",
        "/assets/base.html",
        "/f/no.such.function",
        "/a/ffffff/image",
    ],
)
def test_what_is_not_there_is_not_found(client, path):
    """No path of the file system comes from an address."""
    assert 404 == client.get(path).status_code


@pytest.mark.parametrize(
    "query",
    ["version=x", "since=never", "input=depth", "after=-1", "version=" + "9" * 30, "run=zz"],
)
def test_a_wrong_condition_is_named(client, query):
    """The page says what cannot be read."""
    answer = client.get(f"/artifacts?{query}")
    assert answer.status_code in {400, 404}
    assert "<h1>" in answer.text


def test_a_slow_store_is_given_up(store, monkeypatch):
    """A page that takes too long says so, and holds nobody up."""
    client = client_of(p.get_default_repo(), seconds=0.05)
    monkeypatch.setattr("provenance.ui.pages.runs", lambda _: time.sleep(0.3))
    assert 503 == client.get("/runs").status_code


def test_a_bug_shows_no_traceback(client, monkeypatch):
    """An error of the page itself is a page, too, without what it was about."""

    def fail(_):
        raise RuntimeError("a secret")

    monkeypatch.setattr("provenance.ui.pages.runs", fail)
    answer = client.get("/runs")
    assert 500 == answer.status_code
    assert "a secret" not in answer.text
    assert "RuntimeError" in answer.text


def test_loopback_is_this_machine():
    """Other addresses need a token that the user chose."""
    assert is_loopback("127.0.0.2")
    assert not is_loopback("192.168.1.1")
