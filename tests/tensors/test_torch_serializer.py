"""Tensors and modules are written as torch does, and come back with the hash that they had."""

import io
import random
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

import provenance as p
from provenance.codecs import Decoding, Encoding, candidates, devices
from provenance.hashing import hash_value
from provenance.model.records import freeze_options
from provenance.testing import in_memory
from tensors import tensor_values

NAME = "pytorch_model"


def written(value, compression=None):
    """The bytes of *value*."""
    sink = io.BytesIO()
    Encoding(NAME, value, "it", freeze_options({"compression": compression}))(sink)
    return sink.getvalue()


def read(data, compression=None, **load_kwargs):
    """The value of *data*."""
    return Decoding(
        NAME, freeze_options(load_kwargs), freeze_options({"compression": compression})
    )(io.BytesIO(data))


@given(st.integers(0, 1 << 62))
def test_what_is_accepted_comes_back(seed):
    """Tensors of any type and layout, and networks."""
    r = random.Random(seed)
    value = r.choice(tensor_values.MAKERS)(r, None)
    assert NAME == next(each.name for each in candidates(value, None))
    assert hash_value(value) == hash_value(read(written(value)))


TENSORS = {
    "parameter": nn.Parameter(torch.arange(3.0)),
    "with gradient": torch.arange(3.0, requires_grad=True) * 2,
    "view": torch.arange(6).reshape(2, 3).t(),
    "conjugate": torch.tensor([1 + 2j]).conj(),
    "empty": torch.empty(0, 3),
    "scalar": torch.tensor(1.5),
    "expanded": torch.tensor([1.0]).expand(1000),
    "bfloat16": torch.ones(3, dtype=torch.bfloat16),
}


@pytest.mark.parametrize("compression", [None, "zstd", "lz4"])
@pytest.mark.parametrize("value", TENSORS.values(), ids=TENSORS)
def test_tensors_come_back(value, compression):
    """Type, shape, elements, and whether they take part in training."""
    loaded = read(written(value, compression), compression)
    assert (type(value), hash_value(value)) == (type(loaded), hash_value(loaded))


def test_a_part_is_written_without_the_rest():
    """A view takes the bytes that it shows, not those of the tensor that it was cut from."""
    part = torch.arange(1_000_000)[10:20]
    assert len(written(part)) < 10_000
    assert hash_value(part) == hash_value(read(written(part)))


def test_a_module_comes_back_with_its_state_and_mode():
    """Parameters, buffers and settings; it computes what it did."""
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.1)).eval()
    loaded = read(written(module), map_location="cpu")
    assert hash_value(module) == hash_value(loaded)
    assert torch.equal(module(torch.ones(1, 2)), loaded(torch.ones(1, 2)))
    assert list(module.state_dict()) == list(loaded.state_dict())


def test_what_torch_refuses_is_left_to_the_next():
    """A module of a class made in a function is written with its code."""

    class Local(nn.Module):
        def forward(self, x):
            return x + 1

    with in_memory():
        artifact = p.provenance(lambda: Local()).artifact()  # noqa: PLW0108 - a function of the user's
        assert "cloudpickle" == artifact.serializer
        assert 2 == artifact.value(torch.tensor(1))


def test_other_values_are_refused():
    """Chosen for something else, it is an error that says what it writes."""
    with pytest.raises(p.UnserializableValueError, match="modules and tensors, not list"):
        written([torch.ones(1)])


def test_without_torch_the_error_names_it(monkeypatch):
    """Reading where torch is not installed."""
    data = written(torch.ones(1))
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(p.MissingLibraryError, match="needs torch: pip install torch"):
        read(data)


def test_an_untrusted_store_gives_tensors_and_no_modules():
    """Reading a tensor executes nothing; a module is a pickle of its class, and is refused."""
    with p.using_repo(p.MemoryRepo(trusted=False)):
        tensor = p.provenance(name="tensor")(lambda: torch.arange(6.0).reshape(2, 3)).artifact()
        module = p.provenance(name="module")(lambda: nn.Linear(2, 1)).artifact()
        assert p.hash(tensor.value) == tensor.value_id
        with pytest.raises(p.UntrustedStoreError, match="pytorch_model"):
            _ = module.value


@pytest.mark.parametrize("device", ["cuda:0", "mps"])
@pytest.mark.parametrize(
    "make",
    [
        lambda: torch.arange(5.0),
        lambda: nn.Linear(2, 1),
        lambda: {"weights": [torch.ones(2), torch.zeros(3)]},
    ],
    ids=["tensor", "module", "state"],
)
def test_a_tensor_of_a_device_that_is_missing_lands_on_the_cpu(monkeypatch, caplog, device, make):
    """With one line in the log, whatever holds it; what users load themselves is torch's affair."""
    value = make()
    assert not torch.cuda.is_available()
    assert not torch.backends.mps.is_available()
    monkeypatch.setattr(devices, "_missed", set())
    with in_memory():
        with monkeypatch.context() as patch:
            patch.setattr(torch.serialization, "location_tag", lambda _: device)
            artifact = p.provenance(name="made")(lambda: value).artifact()
            own = io.BytesIO()
            torch.save(value, own)
        found = artifact.value
        assert hash_value(value) == hash_value(found) == artifact.value_id
        (line,) = [each.getMessage() for each in caplog.records if "CPU" in each.getMessage()]
        assert device in line
        own.seek(0)
        if device.startswith("cuda"):
            with pytest.raises(RuntimeError, match="CUDA"):
                torch.load(own, weights_only=False)
