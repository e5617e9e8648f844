"""Record a hundred steps of PyTorch's optimizers: `python tests/recorded/pytorch.py`.

Needs torch and nothing of this package. Writes pytorch.json beside this file, which
tests/test_pytorch.py compares with this package's optimizers. Run it again only to add a case:
the numbers do not depend on the version of this package.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

N_FEATURES, N_HIDDEN, N_CLASSES, N_SAMPLES = 3, 5, 3, 30
STEPS = (1, 10, 100)
RATE = 0.05
# Where definitions differ, PyTorch's is set so that it is ours; README.md of this folder says how.
OPTIMIZERS = {
    "sgd": lambda W, b: torch.optim.SGD([*W, *b], RATE),
    "sgd with momentum": lambda W, b: torch.optim.SGD([*W, *b], RATE, momentum=0.9),
    "sgd with Nesterov's momentum": lambda W, b: torch.optim.SGD(
        [*W, *b], RATE, momentum=0.9, nesterov=True
    ),
    "momentum": lambda W, b: torch.optim.SGD([*W, *b], RATE * (1 - 0.9), momentum=0.9),
    "rmsprop": lambda W, b: torch.optim.RMSprop([*W, *b], RATE, alpha=0.9, eps=1e-8),
    "adagrad": lambda W, b: torch.optim.Adagrad([*W, *b], RATE, eps=1e-8),
    "adam": lambda W, b: torch.optim.Adam([*W, *b], RATE, eps=1e-30),
    "adam with the default epsilon": lambda W, b: torch.optim.Adam([*W, *b], RATE, eps=1e-8),
    "adam with other betas": lambda W, b: torch.optim.Adam(
        [*W, *b], RATE, betas=(0.5, 0.9), eps=1e-30
    ),
    "adamw": lambda W, b: torch.optim.AdamW(
        [{"params": W, "weight_decay": 0.1}, {"params": b, "weight_decay": 0.0}], RATE, eps=1e-30
    ),
}


def problem():
    """Rows of three overlapping classes, and starting weights."""
    rng = np.random.RandomState(0)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    y = (X @ rng.standard_normal((N_FEATURES, N_CLASSES))).argmax(axis=1)
    y[::5] = (y[::5] + 1) % N_CLASSES
    sizes = [N_FEATURES, N_HIDDEN, N_CLASSES]
    coefs = [0.5 * rng.standard_normal(shape) for shape in pairwise(sizes)]
    intercepts = [0.1 * rng.standard_normal(size) for size in sizes[1:]]
    return X, y, coefs, intercepts


def loss_of(X, y, W, b):
    """The mean cross-entropy of a network with one hidden layer of tanh."""
    hidden = torch.tanh(X @ W[0] + b[0])
    return torch.nn.functional.cross_entropy(hidden @ W[1] + b[1], y)


def parameters(coefs, intercepts):
    return [
        [torch.tensor(each, requires_grad=True) for each in part] for part in (coefs, intercepts)
    ]


def steps(make, X, y, coefs, intercepts):
    """Loss before each step, and the weights after some of them."""
    W, b = parameters(coefs, intercepts)
    optimizer, losses, kept = make(W, b), [], {}
    for number in range(1, STEPS[-1] + 1):
        optimizer.zero_grad()
        loss = loss_of(X, y, W, b)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        if number in STEPS:
            kept[number] = {
                "coefs": [each.detach().tolist() for each in W],
                "intercepts": [each.detach().tolist() for each in b],
            }
    return {"losses": losses, "after": kept}


def minimum(X, y, alpha=1.0):
    """The minimum of penalized softmax regression, which is convex, by PyTorch's L-BFGS."""
    W = torch.zeros((N_FEATURES, N_CLASSES), dtype=torch.float64, requires_grad=True)
    b = torch.zeros(N_CLASSES, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [W, b],
        max_iter=1000,
        tolerance_grad=1e-14,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        loss = (
            torch.nn.functional.cross_entropy(X @ W + b, y) + alpha / (2 * len(y)) * (W * W).sum()
        )
        loss.backward()
        return loss

    optimizer.step(closure)
    p = torch.softmax(X @ W + b, dim=1)
    return {"loss": closure().item(), "coefs": W.tolist(), "probabilities": p.tolist()}


def main():
    """Write the file."""
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    X, y, coefs, intercepts = problem()
    given = torch.tensor(X), torch.tensor(y), coefs, intercepts
    recorded = {
        "torch": torch.__version__,
        "rate": RATE,
        "X": X.tolist(),
        "y": y.tolist(),
        "coefs": [each.tolist() for each in coefs],
        "intercepts": [each.tolist() for each in intercepts],
        "steps": {name: steps(make, *given) for name, make in OPTIMIZERS.items()},
        "lbfgs": minimum(*given[:2]),
    }
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(recorded, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
