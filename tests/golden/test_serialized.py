"""What earlier versions wrote, by each serializer and compression, is read by this one."""

import json
from importlib.util import find_spec

import pytest

import provenance as p
from golden.make_serialized import FACTS, FOLDER, cases
from provenance.codecs import Decoding, registry
from provenance.model.records import freeze_options

KNOWN = json.loads(FACTS.read_text("utf-8"))
HERE = {
    name: each
    for name, each in KNOWN.items()
    if each["serializer"] != "pytorch_model" or find_spec("torch")
}


@pytest.mark.parametrize("name", HERE)
def test_a_stored_value_is_read(name):
    """It has the hash that it had when it was written."""
    fact = HERE[name]
    with (FOLDER / name).open("rb") as file:
        value = Decoding(fact["serializer"], dump_kwargs=freeze_options(fact["dump_kwargs"]))(file)
    assert fact["value"] == p.hash(value)


def test_there_is_a_file_of_each_serializer():
    """A new one must be added; code that cloudpickle takes along is read by the Python version that wrote it."""
    written = {each["serializer"] for each in KNOWN.values()}
    assert {each.name for each in registry._BUILT_IN} - {"cloudpickle"} <= written
    assert cases().keys() <= KNOWN.keys()
    assert KNOWN.keys() == {each.name for each in FOLDER.iterdir()} - {FACTS.name}
