"""Tensors and networks, and plain values in torch."""

import torch

from transparency.case import Case
from transparency.values import VALUES as SHARED

SETUP = """
import copy, io, json, pickle
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from transparency.values import noise

t = torch.tensor([1.0, 2.0, 3.0])
torch.manual_seed(0)
linear = nn.Linear(3, 1)
"""


def network() -> torch.nn.Sequential:
    """Return a small network with weights of its own."""
    torch.manual_seed(1)
    return torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))


VALUES = {
    **SHARED,
    "tensor": lambda: torch.tensor([0.5, 1.5, -2.0]),
    "batch of tensors": lambda: torch.arange(12.0).reshape(4, 3) / 10,
    "labels": lambda: torch.tensor([0, 1, 1, 0]),
    "half": lambda: torch.tensor([0.5, 1.5], dtype=torch.float16),
    "scalar tensor": lambda: torch.tensor(2.5),
    "flags": lambda: torch.tensor([True, False, True]),
    "net": network,
    "state": lambda: network().state_dict(),
    "tensors": lambda: {"x": torch.ones(2, 3), "y": torch.tensor([0, 1])},
    "tensor pair": lambda: (torch.ones(2, 3), torch.tensor([0, 1])),
}

CASES = [
    Case("tensor", "x + 1, 1 + x, x * 2, 2 / x, -x, x ** 2, x @ x, x > 0, abs(x), x % 2, x // 1"),
    Case("tensor", "x == x"),
    Case("tensor", "x.sum(), x.mean(), x.max(), x.argmax(), x.shape, x.dtype, x.tolist()"),
    Case("tensor", "x.item if False else x[0].item(), len(x), x.size(), x.dim()"),
    Case("tensor", "torch.tensor(x)"),
    Case("tensor", "torch.as_tensor(x)"),
    Case("tensor", "torch.stack([x, x]), torch.cat([x, t]), torch.stack((t, x))"),
    Case("tensor", "torch.hstack([x, x]), torch.outer(x, t)"),
    Case("tensor", "F.mse_loss(t, x)"),
    Case("tensor", "F.mse_loss(x, t), F.relu(x), F.softmax(x, dim=0)"),
    Case("tensor", "F.cosine_similarity(x, t, dim=0), F.normalize(x, dim=0)"),
    Case("tensor", "F.one_hot(x.long().clamp(0), 3)"),
    Case("tensor", "linear(x)"),
    Case("tensor", "nn.Linear(3, 1)(x).shape, nn.ReLU()(x), nn.Sequential(nn.Tanh())(x)"),
    Case("tensor", "nn.Dropout(0.0)(x), nn.LayerNorm(3)(x)"),
    Case("tensor", "t + x, t * x, t @ x, t - x, torch.add(t, x), torch.dot(t, x)"),
    Case("tensor", "torch.where(x > 0, x, t), torch.maximum(t, x)"),
    Case("tensor", "torch.sum(x), torch.exp(x), torch.mean(x), torch.abs(x), torch.sqrt(x.abs())"),
    Case("tensor", "torch.clamp(x, 0, 1), torch.sort(x).values, torch.topk(x, 2).indices"),
    Case("tensor", "torch.norm(x)"),
    Case("tensor", "x.numpy(), np.asarray(x), np.array(x), np.sum(x.numpy()), np.sqrt(np.abs(x))"),
    Case("tensor", "x.cpu().detach().numpy(), np.mean(np.asarray(x))"),
    Case("tensor", "x[0], x[1:], x[x > 0], x[None].shape, x.view(3, 1), x.reshape(1, 3)"),
    Case("tensor", "x.unsqueeze(0).shape, x.t(), [float(v) for v in x], t[x > 0]"),
    Case("tensor", "x.clone(), copy.deepcopy(x), x.detach(), x.to(torch.float64), x.int()"),
    Case("tensor", "x.half(), x.requires_grad, x.device.type, x.is_contiguous()"),
    Case("tensor", "x.type(torch.long)"),
    Case("tensor", "x.requires_grad_()\n(x ** 2).sum().backward()\nx.grad"),
    Case("tensor", "x.add_(1)\nx"),
    Case("tensor", "x[0] = 9\nx"),
    Case("tensor", "y = torch.zeros(3)\ny[:] = x\ny += x\ny.copy_(x)\ny"),
    Case("tensor", "torch.save(x, f := io.BytesIO())\nf.seek(0)\ntorch.load(f)"),
    Case("tensor", "isinstance(x, torch.Tensor)"),
    Case("tensor", "torch.is_tensor(x)"),
    Case("tensor", "nn.Parameter(x)"),
    Case("tensor", "torch.equal(x, x), torch.allclose(x, t), torch.testing.assert_close(x, x)"),
    Case("tensor", "torch.isnan(x).any(), torch.zeros_like(x), torch.ones_like(x)"),
    Case("tensor", "torch.full_like(x, 2)"),
    Case("tensor", "pickle.loads(pickle.dumps(x)), str(x), f'{x[0]:.2f}', json.dumps(x.tolist())"),
    Case("tensor", "hash(x) is None, pd.Series(x.tolist()), bool(x[0] > 0)"),
    Case("tensor", "torch.from_numpy(np.asarray(x)), torch.einsum('i,i->', x, t)"),
    Case("tensor", "torch.linalg.norm(x), torch.cumsum(x, 0), torch.broadcast_to(x, (2, 3))"),
    Case("tensor", "torch.split(x, 1)[0], torch.flip(x, [0])"),
    Case("batch of tensors", "linear(x), F.linear(x, torch.ones(2, 3)), x @ torch.ones(3)"),
    Case("batch of tensors", "x.T.shape, x.mean(dim=0), torch.matmul(x, torch.ones(3, 2)), x[:2]"),
    Case("batch of tensors", "x.flatten(1).shape, x.permute(1, 0).shape"),
    Case("batch of tensors", "nn.CrossEntropyLoss()(x, torch.tensor([0, 1, 2, 0]))"),
    Case("batch of tensors", "F.cross_entropy(x, torch.tensor([0, 1, 2, 0])), F.log_softmax(x, 1)"),
    Case("batch of tensors", "nn.MSELoss()(x, torch.zeros(4, 3)), F.dropout(x, 0.0)"),
    Case("batch of tensors", "[b[0].shape for b in DataLoader(TensorDataset(x), batch_size=2)]"),
    Case("batch of tensors", "TensorDataset(x)[0], [b.sum() for b in DataLoader(x, batch_size=2)]"),
    Case("batch of tensors", "torch.utils.data.random_split(range(4), [2, 2])[0].__len__()"),
    Case(
        "batch of tensors",
        "net = nn.Linear(3, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "loss = net(x).pow(2).mean()\nloss.backward()\nopt.step()\nnet.weight.grad.shape",
    ),
    Case("labels", "F.cross_entropy(torch.eye(4, 3), x), F.one_hot(x), torch.eye(3)[x]"),
    Case("labels", "x.float().mean(), torch.bincount(x), nn.Embedding(2, 3)(x).shape, x.unique()"),
    Case("labels", "(x == 1).sum().item(), torch.gather(torch.eye(4), 1, x[:, None])"),
    Case("half", "x * 2, x.float(), x + torch.ones(2), torch.ones(2, dtype=torch.float16) * x"),
    Case("half", "x.dtype"),
    Case("scalar tensor", "float(x), x.item(), x + 1, int(x), round(float(x)), f'{x:.1f}', t * x"),
    Case("scalar tensor", "bool(x), torch.full((2,), x.item()), x > 1, max(x, torch.tensor(1.0))"),
    Case("flags", "t[x], x.any(), ~x, x.sum(), torch.where(x, t, 0.0), t.masked_fill(x, 0)"),
    Case("flags", "torch.logical_not(x)"),
    Case("net", "x(torch.ones(2, 3)), x[0].weight.shape, sum(q.numel() for q in x.parameters())"),
    Case("net", "list(x.state_dict()), len(x), x.training, [type(m).__name__ for m in x]"),
    Case("net", "x.eval()\nwith torch.no_grad():\n    got = x(torch.ones(1, 3)).argmax(1)\ngot"),
    Case("net", "torch.save(x.state_dict(), f := io.BytesIO())\nf.seek(0)\nsorted(torch.load(f))"),
    Case("net", "nn.Sequential(x, nn.Softmax(1))(torch.ones(1, 3)).sum()"),
    Case(
        "net",
        "opt = torch.optim.Adam(x.parameters(), lr=0.01)\nx(torch.ones(1, 3)).sum().backward()\n"
        "opt.step()\nx[0].bias.grad.shape",
    ),
    Case("net", "isinstance(x, nn.Module), copy.deepcopy(x)(torch.ones(1, 3))"),
    Case("net", "nn.utils.parameters_to_vector(x.parameters()).shape"),
    Case("net", "x.apply(lambda m: None).training, nn.ModuleList([x])[0][1].__class__.__name__"),
    Case("state", "nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).load_state_dict(x)"),
    Case("state", "list(x), {k: v.shape for k, v in x.items()}, x['0.weight'].mean()"),
    Case("tensors", "linear(x['x']), {k: v.float() for k, v in x.items()}"),
    Case("tensors", "F.cross_entropy(x['x'], x['y']), TensorDataset(*x.values())[0]"),
    Case("tensor pair", "a, b = x\nF.cross_entropy(a, b)"),
    Case("tensor pair", "TensorDataset(*x)[1], torch.cat([x[0], x[0]]).shape"),
    Case("tensor pair", "[v.shape for v in x]"),
    Case("vector", "torch.tensor(x), torch.from_numpy(x), torch.as_tensor(x), torch.asarray(x)"),
    Case("vector", "torch.tensor(x, dtype=torch.float32), torch.ones(4) * torch.as_tensor(x)"),
    Case("int", "torch.zeros(x), t * x, torch.full((2,), x), torch.tensor(x), torch.arange(x)"),
    Case("int", "t + x, torch.manual_seed(x).initial_seed(), nn.Linear(x, 2).in_features"),
    Case("int", "torch.eye(x).shape, torch.tensor([x, 1]), torch.randn(2, x).shape"),
    Case("float", "t * x, torch.tensor(x), torch.full((2,), x), t.clamp(max=x)"),
    Case("float", "torch.optim.SGD(linear.parameters(), lr=x).defaults['lr'], nn.Dropout(x / 5).p"),
    Case("float", "torch.tensor([x]), x * t, t.fill_(x)"),
    Case("ints", "torch.tensor(x), torch.LongTensor(x), torch.eye(10)[x[:2]], torch.as_tensor(x)"),
    Case("ints", "torch.tensor(x, dtype=torch.float32)"),
    Case("grid", "torch.tensor(x), torch.tensor(x).float().mean(0), torch.as_tensor(x)"),
    Case("pair", "torch.zeros(x), torch.ones(*x).shape, torch.arange(12).reshape(x)"),
    Case("pair", "torch.rand(x).shape, torch.Size(x), torch.arange(12).view(*x).shape"),
    Case("str", "torch.tensor([1.0]).to('cpu' if x else x), nn.ModuleDict({x: nn.ReLU()})[x]"),
    Case("str", "nn.Sequential().add_module(x, nn.ReLU())"),
    Case("names", "torch.tensor([len(n) for n in x])"),
    Case("f64", "t * x, torch.tensor(x), torch.tensor([x]), torch.full((2,), x)"),
    Case("frame", "torch.tensor(x['units'].values), torch.tensor(x[['units']].to_numpy()).shape"),
    Case("frame", "torch.as_tensor(x.units.to_numpy())"),
]
