"""torch: tensors and modules, where it is installed."""

import copy

import torch
from torch import nn

from hashing.values.spelling import CHANGED, RESPELLED

DTYPES = (
    torch.float64,
    torch.float32,
    torch.bfloat16,
    torch.int64,
    torch.uint8,
    torch.bool,
    torch.complex64,
)


def tensor(r, _):
    """A tensor of some dtype, shape and layout."""
    it = (
        torch.tensor(r.choices(range(2), k=6))
        .to(r.choice(DTYPES))
        .reshape(r.choice([(6,), (2, 3), (3, 2), (1, 6, 1)]))
    )
    return it.to_sparse() if r.random() < 0.2 else it


def module(r, _):
    """A small network with weights of its own."""
    torch.manual_seed(r.randint(0, 9))
    return nn.Sequential(nn.Linear(2, 2), r.choice([nn.ReLU(), nn.Tanh()]))


def _tensor(_, it):
    if it.is_sparse:
        return it.clone()
    wide = torch.zeros(*it.shape, 2, dtype=it.dtype)
    wide[..., 0] = it
    return wide[..., 0]


def _other_weight(_, it):
    other = copy.deepcopy(it)
    with torch.no_grad():
        other[0].bias += 1
    return other


MAKERS = (tensor, module)
RESPELLED[torch.Tensor] = _tensor
CHANGED[torch.Tensor] = [
    lambda _, it: it.real.to(torch.float16),
    lambda _, it: it.unsqueeze(0),
    lambda _, it: torch.zeros(7, dtype=it.dtype),
    lambda _, it: it.to_dense().numpy() if it.dtype is not torch.bfloat16 else [it],
]
CHANGED[nn.Sequential] = [_other_weight, lambda _, it: it[:1]]
