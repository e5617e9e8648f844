"""Record what shap says of networks in PyTorch, for tests/test_inspection.py.

    pip install shap torch && python tests/recorded/attributions.py

writes attributions.json beside this file: weights, rows, a background, the expected gradients by
`shap.GradientExplainer` with their standard errors, and for networks with one hidden layer the
values of `shap.DeepExplainer`. DeepLIFT's multiplier of a unit is its mean slope on the path, so
that these are exactly the mean of the integrated gradients over the background.
"""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import shap
import torch

UNITS = {"tanh": [4, 6, 3], "relu": [4, 6, 3], "gelu": [4, 6, 5, 3], "identity": [4, 3]}
MODULES = {"tanh": torch.nn.Tanh, "relu": torch.nn.ReLU, "gelu": torch.nn.GELU}
N_DRAWS = 2_000


def weights(units, stream):
    """Weights and biases of few digits, which a file holds exactly."""
    coefs = [stream.normal(0, 1.5 / np.sqrt(a), (a, b)).round(2) for a, b in pairwise(units)]
    return coefs, [stream.normal(0, 0.5, b).round(2) for b in units[1:]]


def network(activation, coefs, intercepts):
    """The same network in PyTorch."""
    modules = []
    for W, b in zip(coefs, intercepts):
        layer = torch.nn.Linear(*W.shape)
        layer.weight.data, layer.bias.data = torch.tensor(W.T), torch.tensor(b)
        modules += [layer, MODULES.get(activation, torch.nn.Identity)()]
    # shap makes its samples in float32.
    return torch.nn.Sequential(*modules[:-1]).float()


def record(activation, units, stream):
    """What shap says of one network."""
    coefs, intercepts = weights(units, stream)
    X, background = (stream.normal(0, 1, (n, units[0])).round(2) for n in (5, 10))
    model = network(activation, coefs, intercepts)
    tensors = [torch.tensor(each, dtype=torch.float32) for each in (X, background)]
    explainer = shap.GradientExplainer(model, tensors[1])
    values, spread = explainer.shap_values(
        tensors[0], nsamples=N_DRAWS, return_variances=True, rseed=0
    )
    found = {
        "coefs": [W.tolist() for W in coefs],
        "intercepts": [b.tolist() for b in intercepts],
        "X": X.tolist(),
        "background": background.tolist(),
        # The axes are rows, columns, classes.
        "expected_gradients": np.round(values, 6).tolist(),
        # shap returns the variance of one draw over the root of their number, class by class.
        "standard_errors": np.moveaxis(np.sqrt(np.array(spread) / np.sqrt(N_DRAWS)), 0, -1)
        .round(6)
        .tolist(),
    }
    if len(units) <= 3:
        deep = shap.DeepExplainer(model, tensors[1]).shap_values(tensors[0], check_additivity=False)
        found["deep"] = np.round(deep, 6).tolist()
    return found


if __name__ == "__main__":
    stream = np.random.RandomState(0)
    recorded = {name: record(name, units, stream) for name, units in UNITS.items()}
    recorded["versions"] = {"shap": shap.__version__, "torch": torch.__version__}
    Path(__file__).with_suffix(".json").write_text(json.dumps(recorded) + "\n", encoding="utf-8")
