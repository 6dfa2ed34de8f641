"""Which failures of places elsewhere are tried again, how long, and how they are told."""

import errno
import time
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provenance.effects import retry
from provenance.effects.io import blob_of
from provenance.effects.objectstore.filesystems import (
    is_conflict,
    is_open,
    is_passing,
    secrets_of,
    unavailable_error,
)
from provenance.effects.retry import backoff, call_with_retries, retrying
from provenance.ports.blobs import HasBlob
from provenance.util.redaction import redact

BLOB = blob_of(b"x")


def answered(status):
    """What botocore raises for an answer of this status, as s3fs passes it on."""
    from botocore.exceptions import ClientError

    facts = {
        "Error": {"Code": str(status), "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    error = OSError(errno.EIO, "no")
    error.__cause__ = ClientError(facts, "PutObject")
    return error


def google(status):
    """What gcsfs raises for an answer of this status."""
    from gcsfs.retry import HttpError

    return HttpError({"code": status, "message": "no"})


def azure(status):
    """What Azure's library raises for an answer of this status."""
    from azure.core.exceptions import HttpResponseError

    error = HttpResponseError("no")
    error.status_code = status
    return error


@pytest.mark.parametrize("made", [answered, google, azure])
@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, False),
        (401, False),
        (403, False),
        (404, False),
        (412, False),
        (429, True),
        (500, True),
        (503, True),
    ],
)
def test_answers_of_a_server(made, status, expected):
    """What a server answers when it is busy or out of order passes; that it refuses, or has nothing, does not."""
    assert expected == is_passing(made(status))
    assert (412 == status) == is_conflict(made(status))


def connections():
    """What libraries raise for connections that are cut or not made."""
    from aiohttp import ClientPayloadError, ServerDisconnectedError
    from asyncssh import ConnectionLost
    from azure.core.exceptions import ServiceRequestError
    from botocore.exceptions import ConnectTimeoutError, EndpointConnectionError, ReadTimeoutError
    from fsspec.exceptions import FSTimeoutError

    return [
        TimeoutError(),
        TimeoutError(),
        FSTimeoutError(),
        ConnectionResetError(),
        BrokenPipeError(),
        ServerDisconnectedError(),
        ClientPayloadError(),
        ConnectionLost("gone"),
        ServiceRequestError("gone"),
        EndpointConnectionError(endpoint_url="http://x"),
        ConnectTimeoutError(endpoint_url="http://x"),
        ReadTimeoutError(endpoint_url="http://x"),
    ]


@pytest.mark.parametrize("error", connections(), ids=lambda error: type(error).__name__)
def test_connections_pass(error):
    """So does one inside another error."""
    assert is_passing(error)
    outer = OSError("upload failed")
    outer.__cause__ = error
    assert is_passing(outer)


def refusals():
    """What asking again does not mend."""
    from asyncssh import HostKeyNotVerifiable
    from botocore.exceptions import NoCredentialsError

    return [
        FileNotFoundError(),
        FileExistsError(),
        PermissionError(),
        OSError(errno.ENOSPC, "full"),
        ValueError("bad"),
        NoCredentialsError(),
        HostKeyNotVerifiable("unknown"),
    ]


@pytest.mark.parametrize("error", refusals(), ids=lambda error: type(error).__name__)
def test_refusals_do_not_pass(error):
    """They are told at once."""
    assert not is_passing(error)


@pytest.fixture
def wait(monkeypatch):
    """A function that lets seconds pass, by a clock that stands still otherwise."""
    passed = []
    monkeypatch.setattr(retry, "time", SimpleNamespace(monotonic=lambda: sum(passed)))
    return passed.append


def test_asking_again_ends_with_the_deadline(wait):
    """After so many seconds a failure is the last one, however many attempts are left; who asks knows what is left."""
    left = []

    def ask(seconds):
        left.append(seconds)
        wait(5)
        raise TimeoutError

    with pytest.raises(TimeoutError):
        call_with_retries(ask, 1_000, is_passing, lambda _: wait(1), deadline=30)
    assert [30, 24, 18, 12, 6] == left


def test_the_layer_has_a_deadline_too(wait):
    """`retrying` gives up when it has passed."""
    asked = []

    def fail(effect):
        asked.append(effect)
        raise TimeoutError

    ask = retrying(HasBlob.on(fail), 1_000, is_passing, lambda _: wait(2), deadline=10)
    with pytest.raises(TimeoutError):
        ask(HasBlob(BLOB))
    assert [HasBlob(BLOB)] * 5 == asked


def test_pauses_double_and_differ(monkeypatch):
    """Each pause is about twice the one before, never quite the same, and has an end."""
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    for failures in range(12):
        backoff(failures, 0.2)
        assert 0.5 * 0.2 * 2**failures <= pauses[-1] * 1.000001 or pauses[-1] >= 5
        assert pauses[-1] <= min(1.5 * 0.2 * 2**failures, 15)
    backoff(0)
    backoff(0)
    assert pauses[-1] != pauses[-2]


SECRETS = st.text("abcdefgh0123456789+/=", min_size=4, max_size=20)


@given(
    st.dictionaries(st.sampled_from(["key", "secret", "password", "token"]), SECRETS, min_size=1),
    st.text(max_size=20),
)
def test_no_secret_is_told(options, words):
    """Whatever the credentials are and wherever they are in the options and in an error, what is raised shows none."""
    nested = {"client_kwargs": {"deep": [options]}, "endpoint_url": "http://127.0.0.1:9000"}
    secrets = secrets_of(nested)
    error = ValueError(f"{words}{' and '.join(options.values())}{words}")
    shown = str(unavailable_error("far", error, secrets).reason).removeprefix("ValueError: ")
    left = shown.replace("***", "\0")
    assert [] == [each for each in options.values() if each in left and each not in words]
    assert not is_open(error, secrets)


def test_what_is_no_secret_is_told():
    """Endpoints and hosts are shown, users in addresses are not."""
    secrets = secrets_of({"endpoint_url": "http://127.0.0.1:9000", "host": "data.example"})
    text = "cannot reach http://me:pw@127.0.0.1:9000 or data.example"
    assert "cannot reach http://***@127.0.0.1:9000 or data.example" == redact(text, secrets)
    assert is_open(ValueError("cannot reach data.example"), secrets)


def test_a_long_text_is_cut():
    """A server's page of HTML is not an error message."""
    assert len(unavailable_error("far", ValueError("x" * 10_000), ()).reason) <= 300


def test_a_bad_request_may_be_an_expired_token():
    """S3 answers a request without a body with nothing but this status then."""
    for status, expected in ((400, True), (403, False), (500, False)):
        message = str(unavailable_error("far", answered(status), ()))
        assert expected == ("expired" in message)
