"""A result that is a tensor works in torch as the tensor does, or raises: it never crashes the interpreter."""

import os
import subprocess
import sys

from processes import SOURCES

PROGRAM = r"""
import copy
import os
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
import torch.utils.data
from torch import nn

import provenance as p
from provenance.testing import in_memory

torch.set_num_threads(1)
warnings.simplefilter("ignore")


@p.provenance()
def make():
    return torch.arange(6.0).reshape(2, 3)


@p.provenance()
def within(x, expression):
    return outcome(expression, x)


def outcome(expression, x):
    torch.manual_seed(0)
    names = {**globals(), "x": x, "t": torch.arange(6.0).reshape(2, 3), "linear": nn.Linear(3, 1)}
    try:
        found = eval(expression, names)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:200]
    text = str([str(each) for each in found]) if isinstance(found, tuple | list) else str(found)
    return f"{type(found).__name__} {text}".replace(chr(10), ' ')


def play(expression):
    with in_memory():
        miss = make()
        hit = make()
        expected = outcome(expression, torch.arange(6.0).reshape(2, 3))
        for which, x in (("miss", miss), ("hit", hit)):
            found = outcome(expression, x)
            if found != expected:
                print(f"{expression} of a {which}: {found} instead of {expected}")
        try:
            found = p.unwrap(within(make(), expression))
        except p.ImpureFunctionError as error:  # the expression changes its tensor in place
            found = error.value
        if found != expected:
            print(f"{expression} in a function: {found} instead of {expected}")


for expression in sys.stdin.read().splitlines():
    sys.stdout.flush()
    child = os.fork()
    if not child:
        play(expression)
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        print(f"{expression} ends the process with status {status}")
"""
EQUAL = """
torch.tensor(x)
torch.as_tensor(x)
torch.asarray(x)
F.mse_loss(t, x)
F.mse_loss(x, t)
torch.stack([x, x])
torch.cat((x, t))
torch.stack(tensors=[x, t])
linear(x)
nn.Sequential(linear)(x)
t + x
x + t
x @ t.T
t @ x.T
t == x
x == t
x.sum()
x[0]
x[0, 1].item()
t[x.long() % 2]
t[x > 2]
torch.equal(x, t)
t.copy_(x)
t.add_(x)
x.numpy()
np.asarray(x)
np.array(x)
torch.from_numpy(np.asarray(x))
torch.from_dlpack(x)
list(x)
len(x)
x.shape
sum(x)
torch.utils.data.TensorDataset(x, x)[0]
next(iter(torch.utils.data.DataLoader(x, batch_size=2)))
torch.where(x > 2, x, t)
torch.einsum('ij,kj->ik', x, t)
torch.add(t, x, out=torch.empty(2, 3))
F.relu(x)
F.cross_entropy(t, x.argmax(1))
torch.save(x, '/dev/null')
x.to(torch.float64)
t.to(x)
t.type_as(x)
t.view_as(x)
t.new_tensor(x)
torch.zeros_like(x)
torch.tensor([x[0, 0], x[0, 1]])
torch.nn.utils.rnn.pad_sequence([x, x])
torch.broadcast_tensors(x, t)
torch.split(x, 1)
t.masked_fill(x > 2, 0)
t.__setitem__(0, x[0])
t.__setitem__((slice(None),), x)
torch.nested.nested_tensor([x, x])
torch.nn.init.zeros_(x)
torch.optim.SGD([x.requires_grad_()], lr=0.1).param_groups[0]['lr']
torch.autograd.grad((x.requires_grad_() ** 2).sum(), [x])
linear.load_state_dict({'weight': x[:1], 'bias': x[0, :1]})
torch.distributions.Normal(x, 1.0).mean
torch.utils._pytree.tree_map(lambda v: v * 2, [x])[0]
""".strip().splitlines()
RAISING = """
t.set_(x)
nn.Parameter(x)
torch.Tensor(x)
torch.vmap(lambda row: row * 2)(x)
torch.func.grad(lambda v: (v ** 2).sum())(x)
setattr(t, 'data', x)
setattr(t, 'grad', x)
""".strip().splitlines()


def played(expressions):
    """What the program prints of them: nothing where a result does as the tensor does."""
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        input="\n".join(expressions),
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout.splitlines()


def test_torch_computes_with_a_result_as_with_the_tensor():
    """Each expression gives the same for the tensor, for a result and for a result that another function gets."""
    assert [] == played(EQUAL)


def test_what_torch_does_not_take_raises():
    """An exception for the result of a miss and of a hit: no crash, and no other answer. Functions get the tensor itself."""
    printed = played(RAISING)
    assert 2 * len(RAISING) == len(printed)
    for line in printed:
        found, _, _ = line.partition(" instead of ")
        assert "Error: " in found, line
