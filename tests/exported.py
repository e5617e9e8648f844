"""Models exported to ONNX and run by onnxruntime, beside what they predict here."""

import numpy as np
import pytest

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")

import onnxruntime
from onnx import checker
from skl2onnx import to_onnx
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType
from sklearn.base import is_classifier

from sknumpy_mlp import onnx

onnx.register()

# What probabilities may differ by, and by how much the two best must for a label to be clear.
CLOSE, CLEAR = 1e-5, 2e-5


class Exported:
    """An exported model, which takes arrays by the names of its inputs."""

    def __init__(self, proto):
        # What onnxruntime takes, another runtime may not.
        checker.check_model(proto, full_check=True)
        self.proto = proto
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(
            proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def __call__(self, *arrays):
        names = [each.name for each in self.session.get_inputs()]
        return self.session.run(None, dict(zip(names, arrays, strict=True)))

    @property
    def operators(self):
        """The operators of the graph, in order."""
        return [node.op_type for node in self.proto.graph.node]


def exported(model, X, options=None, **more):
    """The model for inputs like X; labels and probabilities are arrays unless options say so."""
    if options is None and is_classifier(model):
        options = {"zipmap": False}
    if isinstance(X, np.ndarray) and X.dtype in (np.float32, np.float64):
        kind = FloatTensorType if X.dtype == np.float32 else DoubleTensorType
        more.setdefault("initial_types", [("X", kind([None, X.shape[1]]))])
        X = None
    return Exported(to_onnx(model, X, options=options, **more))


def assert_same_classes(model, X, *inputs, run=None):
    """Probabilities agree, and so do labels wherever the two best are not almost equal."""
    run = run or exported(model, X)
    labels, found = run(*(inputs or [X]))
    probabilities = model.predict_proba(X)
    assert found.shape == probabilities.shape
    np.testing.assert_allclose(found, probabilities, rtol=0, atol=CLOSE)
    expected = model.predict(X)
    assert labels.shape == expected.shape
    if expected.ndim == 2:
        clear = np.abs(probabilities - 0.5) > CLEAR / 2
    else:
        best = np.sort(probabilities, axis=1)[:, -2:]
        clear = best[:, -1] - best[:, 0] > CLEAR if best.shape[1] == 2 else np.ones(len(X), bool)
    assert clear.any()
    np.testing.assert_array_equal(labels[clear], expected[clear])


def assert_same_numbers(model, X, *inputs, run=None, rtol=CLOSE):
    """Predictions agree, relative to the largest of them."""
    run = run or exported(model, X)
    (found,) = run(*(inputs or [X]))
    expected = model.predict(X)
    assert found.shape == (len(expected), 1 if expected.ndim == 1 else expected.shape[1])
    atol = rtol * max(1.0, float(np.abs(expected).max()))
    np.testing.assert_allclose(found.reshape(expected.shape), expected, rtol=0, atol=atol)
