"""Tensors hash by content and modules by state."""

import copy
import io
import pickle

import pytest
import torch
from torch import nn

from provenance.errors import UnhashableValueError
from provenance.hashing import hash_value

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
