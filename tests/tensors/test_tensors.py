"""Tensors hash by content and modules by state."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

import provenance as p
from provenance.errors import UnhashableValueError
from provenance.hashing import hash_value
from provenance.testing import in_memory

DTYPES = [
    torch.float64,
    torch.float32,
    torch.bfloat16,
    torch.float16,
    torch.complex64,
    torch.int64,
    torch.uint8,
    torch.bool,
]


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layout_is_no_part_of_a_tensor(dtype):
    """Copies, pickles, views and other strides have the digest of the plain tensor."""
    plain = torch.arange(6).reshape(2, 3).to(dtype)
    wide = torch.zeros(2, 6, dtype=dtype)
    wide[:, ::2] = plain
    same = [
        copy.deepcopy(plain),
        pickle.loads(pickle.dumps(plain)),
        wide[:, ::2],
        plain.t().contiguous().t(),
        plain.clone(),
    ]
    assert {hash_value(plain)} == {hash_value(one) for one in same}


def test_tensors_differ_by_type_shape_and_content():
    """One changed thing changes the digest."""
    plain = torch.arange(6)
    others = [plain.to(dtype) for dtype in DTYPES if dtype is not torch.int64]
    others += [
        plain.reshape(2, 3),
        plain + 1,
        torch.empty(0),
        torch.tensor(0.0),
        torch.arange(6.0, requires_grad=True),
    ]
    others += [plain.to_sparse(), plain.numpy(), nn.Parameter(torch.arange(6.0))]
    digests = [hash_value(one) for one in [plain, *others]]
    assert len(set(digests)) == len(digests)


def test_lazy_conjugates_count_as_what_they_show():
    """A view that conjugates or negates has the elements that it shows."""
    plain = torch.tensor([1 + 2j])
    assert hash_value(plain.conj()) == hash_value(torch.tensor([1 - 2j])) != hash_value(plain)


def test_sparse_tensors_count_by_what_they_add_up_to():
    """Entries in another order, or in several pieces, make the same tensor."""
    one = torch.sparse_coo_tensor([[0, 2]], [1.0, 3.0], (3,), check_invariants=True)
    other = torch.sparse_coo_tensor([[2, 0, 2]], [1.0, 1.0, 2.0], (3,), check_invariants=True)
    assert hash_value(one) == hash_value(other) != hash_value(one * 2)


def make(seed=0, width=3):
    """A small network."""
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(2, width), nn.BatchNorm1d(width), nn.Dropout(0.1), nn.Linear(width, 1)
    )


def test_modules_count_by_their_state():
    """Equal networks agree, also through pickle and `torch.save`; another weight, mode or size differs."""
    module, buffer = make(), io.BytesIO()
    torch.save(module, buffer)
    buffer.seek(0)
    same = [
        make(),
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(buffer, weights_only=False),
    ]
    assert {hash_value(module)} == {hash_value(one) for one in same}
    others = [make(1), make(width=4), make().eval(), make()[0]]
    assert 5 == len({hash_value(one) for one in [module, *others]})


def test_what_has_no_elements_is_refused():
    """A tensor on the meta device is an error that says so."""
    with pytest.raises(UnhashableValueError, match="meta tensor has no elements"):
        hash_value([torch.empty(2, device="meta")])


def test_generators_count_by_their_state():
    """What a generator will yield next is its value."""
    one, other = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1)
    assert hash_value(one) == hash_value(other)
    torch.rand(1, generator=other)
    assert hash_value(one) != hash_value(other)


def test_types_and_devices_are_told_apart():
    """Settings such as a dtype or a device have values."""
    values = [
        torch.float32,
        torch.float64,
        torch.device("cpu"),
        torch.device("meta"),
        torch.Size([1]),
        torch.strided,
    ]
    assert len(values) == len({hash_value(one) for one in values})


def leaf(grad=None, **attributes):
    """Return a tensor with a gradient and attributes."""
    value = torch.zeros(2, requires_grad=True)
    value.grad = None if grad is None else torch.full((2,), grad)
    for name, content in attributes.items():
        setattr(value, name, content)
    return value


class Marked(torch.Tensor):
    pass


def marked(unit):
    """Return a tensor of a subclass with an attribute."""
    value = torch.zeros(2).as_subclass(Marked)
    value.unit = unit
    return value


def trained(steps):
    """Return a layer with the gradient of some steps."""
    torch.manual_seed(1)
    layer = torch.nn.Linear(2, 1)
    for _ in range(steps):
        layer(torch.ones(1, 2)).sum().backward()
    return layer


def jagged(*sizes):
    """Return tensors of these sizes in one."""
    return torch.nested.nested_tensor([torch.zeros(size) for size in sizes], layout=torch.jagged)


MUST_DIFFER = {
    "gradient": lambda: [leaf(), leaf(1.0), leaf(2.0)],
    "attribute": lambda: [leaf(), leaf(unit="m"), leaf(unit="km")],
    "attribute of a subclass": lambda: [marked("m"), marked("km")],
    "gradients of a layer": lambda: [trained(0), trained(1), trained(2)],
    "nested tensors": lambda: [jagged(1, 2), jagged(2, 1), jagged(3)],
}


@pytest.mark.parametrize("kind", MUST_DIFFER)
def test_what_behaves_differently_differs(kind):
    """Gradients and attributes count, and those of the stored value are those that were computed."""
    values = MUST_DIFFER[kind]()
    assert len({p.hash(value) for value in values}) == len(values)
    for value in values:
        with in_memory() as repo:

            @p.provenance()
            def make(held):
                return held[0]

            artifact = make.artifact([value])
            assert p.hash(value) == p.hash(repo.get_value(artifact.id))


@pytest.mark.parametrize("kind", [torch.nn.LSTM, torch.nn.GRU, torch.nn.RNN])
def test_recurrent_layers_count_by_their_state(kind):
    """They hold weak references, which they leave out of their state."""
    torch.manual_seed(1)
    one, other = kind(2, 3), kind(2, 3)
    assert p.hash(one) == p.hash(copy.deepcopy(one)) == p.hash(pickle.loads(pickle.dumps(one)))
    assert p.hash(one) != p.hash(other)


def test_distributions_do_not_count_what_reading_keeps():
    """Their lazy properties are caches."""
    value = torch.distributions.Categorical(probs=torch.tensor([0.5, 0.5]))
    before = p.hash(value)
    assert len(value.logits) == 2
    assert before == p.hash(value)
