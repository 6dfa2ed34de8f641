"""A store with values of many kinds, and a client that holds the token."""

import struct
import zlib

import numpy as np
import pandas as pd
import pytest
from starlette.testclient import TestClient

import provenance as p
from provenance.testing import FixedClock, in_memory
from provenance.ui.app import create_app

BASE = "http://127.0.0.1:8000"
TOKEN = "a-token"
HOSTILE = "\x1b]0;owned\x07<script>alert(1)</script>\u202e'\"&evil"


def png(width=2, height=2):
    """A small picture."""

    def chunk(kind, data):
        check = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + check

    rows = b"".join(b"\0" + b"\x20\x80\xc0" * width for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


@p.provenance(name="churn.load", tags=["raw"])
def load(rows):
    """A table."""
    return pd.DataFrame({"age": np.arange(rows), "city": ["Rome"] * rows})


@p.provenance(name="churn.train", version=1, custom_fields={"team": "a"})
def train(data, config, rate=0.1):
    """A model."""
    return {"depth": config["depth"], "rate": rate}


@p.provenance(name="churn.score")
def score(model):
    """A number."""
    return 0.75


@p.provenance(name="churn.grid")
def grid(size):
    """An array."""
    return np.outer(np.arange(size), np.arange(size))


@p.provenance(name=f"bad.{HOSTILE}", tags=[HOSTILE], custom_fields={HOSTILE: HOSTILE})
def hostile(text):
    """What a store says that someone else writes to."""
    return text


@p.provenance(name="churn.picture", archive_file=True)
def picture(path):
    """An archived file."""
    return path


@p.provenance(name="churn.split", returns_composite=True)
def split(data):
    """Parts."""
    return {"left": 1, "right": 2}


def fill(folder):
    """Compute a small pipeline; return the artifacts by a short name."""
    (folder / "picture.png").write_bytes(png())
    (folder / "page.html").write_text("<script>alert(1)</script>")
    data = load(120)
    models = {depth: train(data, {"depth": depth, "loss": "log"}) for depth in (3, 6)}
    made = {
        "data": data,
        "three": models[3],
        "six": models[6],
        "score": score(models[6]),
        "grid": grid(100),
        "hostile": hostile(HOSTILE),
        "picture": picture(str(folder / "picture.png")),
        "page": picture(str(folder / "page.html")),
        "split": split(data),
    }
    p.create_set([models[3], models[6]], {"name": "models", "kind": HOSTILE})
    return {name: p.artifact_of(value) for name, value in made.items()}


@pytest.fixture
def store(tmp_path):
    """The pipeline in a repository in memory, where time stands still."""
    with in_memory(FixedClock()):
        yield fill(tmp_path)


def client_of(repo, **options):
    """A client that has opened the printed address."""
    app = create_app(repo, TOKEN, **options)
    client = TestClient(app, base_url=BASE, raise_server_exceptions=False)
    assert 200 == client.get(f"/?token={TOKEN}").status_code
    return client


@pytest.fixture
def client(store):
    """A client of the store."""
    return client_of(p.get_default_repo())
