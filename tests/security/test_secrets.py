"""No password, token or key is shown, logged or recorded."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

import provenance as p
from provenance.effects.sql.postgres_connection import ConnectionSettings, unavailable, url_of
from provenance.util.redaction import redact, redact_arguments, redact_url

SECRET = "hunter2SECRET"

TEXTS = [
    "postgresql://u:a@{}@host/db",
    "cannot connect to postgresql://u:a/b@{}@host/db, try later",
    "https://{}@host",
    "PGPASSWORD={} psql",
    "MYSQL_PWD={} mysql",
    "export awsSecretAccessKey={}",
    'password="a {}" host=b',
    "password='a {} \\' {}' host=b",
    "password = 'a {}",
    '{{"password": "a {}", "host": "b"}}',
    "{{'api_key': 'a {}'}}",
    "password=a,{}",
    "password=a&{}",
    "AccountKey=a;{};EndpointSuffix=core.example",
    "https://host/file?sig={}&sv=1",
    "https://host/file?X-Amz-Signature={}",
    "https://host/file?X-Amz-Credential={}/1&a=1",
    "https://host/file?X-Amz-Security-Token={}",
    "Authorization: Bearer {}",
    "authorization: Basic {}",
    "mysql --password {} -h host",
    "mysql --pw={}",
    "curl -u ann:{} https://host",
    "curl -uann:{} https://host",
    "curl --user ann:{} https://host",
    "curl --proxy-user=ann:{} https://host",
]


@pytest.mark.parametrize("text", TEXTS)
def test_secrets_in_texts_are_hidden(text):
    """Whatever the syntax is, and also if the text is one argument of a command line."""
    text = text.format(SECRET, SECRET)
    assert SECRET not in redact(text)
    assert SECRET not in "".join(redact_arguments(["run", text]))


@pytest.mark.parametrize(
    "arguments",
    [
        ["--password=a {}"],
        ["--password", "a {}"],
        ["PGPASSWORD=a {}"],
        ["--pw", "{}"],
        ["--pw=a {}"],
        ["--tokens", "{}"],
        ["--tokens=a,{}"],
        ["-p", "{}"],
        ["-u", "ann:{}"],
        ["--user", "ann:{}"],
        ["-U", "ann:{}"],
        ["postgresql://u:a b@c d@{}@host/db"],
        ["postgresql://u:a {}@host/db"],
        ["--db-passwords", "{}"],
        ["--hf-token", "{}"],
    ],
)
def test_secrets_in_arguments_are_hidden(arguments):
    """An argument has no quotes: all of it is the secret."""
    redacted = redact_arguments([argument.format(SECRET) for argument in arguments])
    assert SECRET not in "".join(redacted)
    assert "***" in "".join(redacted)


@pytest.mark.parametrize(
    "text",
    [
        "cannot open the file /tmp/a",
        "--tokenizer bert --path a --epochs 3",
        "patience=3 signal=5 design=1 passes=7 author=ann",
        "compass=north bypass=1",
        "https://host/path and a@b",
        "-u script.py --user ann",
        "key=1 keys=2 monkey=3",
    ],
)
def test_other_texts_are_kept(text):
    """A word that begins or ends like a secret's name is none."""
    assert text == redact(text)
    assert text.split() == redact_arguments(text.split())


def test_a_short_password_is_hidden_as_a_word():
    """The letters of a password of one letter are not hidden inside other words."""
    assert "a table cannot *** be opened" == redact("a table cannot b be opened", ["b"])
    assert "*** and x" == redact("p%40 and x", ["p@"])


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_a_url_shows_nothing_before_its_last_at(userinfo):
    """A password may hold any character, escaped or not."""
    assert "postgresql://***@host/db" == redact_url(f"postgresql://u:{userinfo}@host/db")


@given(st.text(max_size=200), st.lists(st.text(max_size=20)))
def test_redaction_takes_any_text(text, arguments):
    """It changes nothing the second time."""
    redact(text)
    assert len(arguments) == len(redact_arguments(arguments))


@pytest.mark.parametrize(
    "unit", ["a", "a-", "token", "token_", "p@", "://", "-p ", "password=", "'\"", "=:"]
)
def test_redaction_takes_linear_time(unit):
    """No text of a server makes a client hang."""
    started = time.process_time()
    redact(unit * (100_000 // len(unit)))
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:a@{}@host/db",
        "postgresql://u:a@b/{}@host/db",
        "postgresql://u:{}@host:port/db",
        "postgresql://u:{}@host:99999999/db",
        "postgresql://u:{}@[host/db",
    ],
)
def test_a_password_that_is_not_escaped_is_an_error_that_does_not_show_it(url):
    """The error says how to write it."""
    for configure in (
        lambda it: p.PostgresRepo(db=it),
        lambda it: p.load_config({"artifact_repos": {"team": {"type": "postgres", "db": it}}}),
        lambda it: url_of("team", ConnectionSettings(url=it)),
    ):
        with pytest.raises(p.ConfigError, match="%40") as caught:
            configure(url.format(SECRET))
        assert SECRET not in f"{caught.value!r} {caught.value} {caught.value.__cause__}"


@pytest.mark.parametrize("secret", [SECRET, "p@ss wörd", "a"])
def test_an_error_of_the_server_does_not_show_the_password(secret):
    """However the driver spells it; a short one is not hidden inside words."""
    from urllib.parse import quote, quote_plus

    url = url_of("team", ConnectionSettings(url=f"postgresql://ann:{quote(secret)}@host/db"))
    for spelling in (secret, quote(secret), quote_plus(secret), f"password='{secret}'"):
        error = unavailable("team", url, ValueError(f"cannot connect with {spelling} to host"))
        assert f"cannot connect with {spelling}" not in str(error)
        assert "cannot connect with " in str(error)
