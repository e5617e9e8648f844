"""Every activation, layer, loss and link of the package, found by itself, as ONNX nodes."""

from types import SimpleNamespace

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPRegressor
from sknumpy_mlp.activations import ELU, Activation
from sknumpy_mlp.core.embeddings import EmbeddingLayer
from sknumpy_mlp.core.layers import Layer
from sknumpy_mlp.embeddings import Embedding, PiecewiseLinear
from sknumpy_mlp.losses import Loss, Quantiles, SoftmaxCrossEntropy, links

from ..common import KINDS, brief, digits, label, refusal
from ..exported import assert_same_classes, assert_same_numbers, exported
from ..families import all_examples, default, members, of_package

pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")

from sknumpy_mlp.onnx.parts import LAYERS, LINKS  # isort: skip

# Bases of losses have no formula.
LOSSES = [default(cls) for cls in members(Loss) if cls.name or not members(cls)]
DTYPES = [np.float32, np.float64]


def subclasses(cls):
    """All classes of the package under a class, at any depth."""
    for each in cls.__subclasses__():
        yield each
        yield from subclasses(each)


def numbers(dtype, n_targets=1):
    """Smooth targets of digits, positive for losses of counts."""
    X, y = digits("multiclass", 150, dtype)
    Y = np.column_stack([np.exp(y / 10), 1.0 + (y % 3)])[:, :n_targets]
    return X, (Y[:, 0] if n_targets == 1 else Y).astype(dtype)


class TestActivations:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize("activation", all_examples(Activation), ids=label)
    def test_an_activation_gives_the_same_probabilities(self, activation, dtype):
        X, y = digits("multiclass", 150, dtype)
        model = brief(activation=activation, hidden_layer_sizes=(8, 6)).fit(X, y)
        # Far from the training rows, where exp overflows and logistic saturates.
        assert_same_classes(model, np.concatenate([X, -X, 40 * X, -40 * X]))

    @pytest.mark.parametrize("name", sorted(Activation.named()))
    def test_an_activation_is_accurate_in_float64(self, name):
        """GELU apart, whose Erf onnxruntime has in float32 only."""
        X, y = digits("multiclass", 150)
        model = brief(activation=name).fit(X, y)
        _, found = exported(model, X)(X)
        atol = 1e-7 if name == "gelu" else 1e-14
        np.testing.assert_allclose(found, model.predict_proba(X), rtol=0, atol=atol)

    def test_a_list_has_one_for_each_layer(self):
        X, y = digits(dtype=np.float32)
        names = sorted(Activation.named())
        model = brief(activation=names, hidden_layer_sizes=(6,) * len(names)).fit(X, y)
        assert_same_classes(model, X)

    def test_relu_is_the_operator_of_that_name(self):
        X, y = digits(dtype=np.float32)
        run = exported(brief().fit(X, y), X)
        assert run.operators[:3] == ["MatMul", "Add", "Relu"]
        assert "Where" not in run.operators

    def test_an_activation_of_the_user_is_exported_by_its_scalar_form(self):
        class Softsign(Activation):
            def forward(self, Z, out, scratch=None):
                np.divide(Z, 1 + np.abs(Z), out=out)

            def backward(self, kept, dA, scratch):
                dA *= (1 - np.abs(kept)) ** 2

            @staticmethod
            def value(z):
                return z / (1.0 + abs(z))

        X, y = digits(dtype=np.float32)
        assert_same_classes(brief(activation=Softsign(), engine="numpy").fit(X, y), X)

    def test_choices_within_choices_are_made_for_each_number(self):
        class Stairs(Activation):
            def forward(self, Z, out, scratch=None):
                out[...] = np.where(Z > 0.2, np.where(Z > 0.5, Z, 0.2), np.where(Z < -0.3, -1, 0))

            def backward(self, kept, dA, scratch):
                dA *= kept > 0.5

            @staticmethod
            def value(z):
                if z > 0.2:
                    return z if z > 0.5 else 0.2
                return -1.0 if z < -0.3 else 0.0

        X, y = digits(dtype=np.float32)
        model = brief(activation=Stairs(), engine="numpy").fit(X, y)
        assert_same_classes(model, np.concatenate([X, -X]))

    def test_an_activation_without_a_scalar_form_is_refused(self):
        class Bare(Activation):
            def forward(self, Z, out, scratch=None):
                np.sin(Z, out=out)

            def backward(self, kept, dA, scratch):
                dA *= 1

        class Other(ELU):
            def forward(self, Z, out, scratch=None):
                np.sin(Z, out=out)

        class Wild(Bare):
            @staticmethod
            def value(z):
                return np.sin(z)

        class Endless(Bare):
            @staticmethod
            def value(z):
                while z > 1.0:
                    z = z - 1.0
                return z

        X, y = digits(dtype=np.float32)
        for cls, reason in (
            (Bare, "it defines no value"),
            (Other, "it defines forward but not value"),
            (Wild, "sin has no ONNX form"),
            (Endless, "more than 12 choices"),
        ):
            model = brief(activation=cls(), engine="numpy", max_iter=1).fit(X, y)
            message = refusal(lambda model=model: exported(model, X))
            assert f"the activation {cls.__name__}(" in message and reason in message
            assert "write its scalar form value(z, ...)" in message


class TestLayers:
    def test_every_layer_has_a_form(self):
        layers = {*of_package(subclasses(Layer))} - {EmbeddingLayer}
        assert LAYERS.keys() == layers

    @pytest.mark.parametrize("members", [1, 3])
    @pytest.mark.parametrize(
        "parameters",
        [
            {"feature_scale": True},
            {"dropout": 0.3},
            {"embedding": "piecewise_linear"},
            {"embedding": PiecewiseLinear(n_bins=3, size=2), "feature_scale": True},
            {"hidden_layer_sizes": ()},
            {"hidden_layer_sizes": (), "embedding": PiecewiseLinear(size=1)},
        ],
        ids=label,
    )
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_layer_gives_the_same_probabilities(self, parameters, members, dtype):
        X, y = digits("multiclass", 150, dtype)
        # Factors of one and functions of zero would say nothing: they are learned quickly.
        factors = {"feature_scale": 30.0, "embedding": 30.0}
        model = brief(members=members, learning_rate_factors=factors, **parameters).fit(X, y)
        # Beyond the edges, the first and the last bin go on.
        assert_same_classes(model, np.concatenate([X, 3 * X - 1]))

    @pytest.mark.parametrize("embedding", [default(cls) for cls in members(Embedding)], ids=label)
    def test_every_embedding_is_exported(self, embedding):
        X, y = digits(dtype=np.float32)
        model = brief(embedding=embedding, learning_rate_factors={"embedding": 30.0}).fit(X, y)
        assert_same_classes(model, np.concatenate([X, 3 * X - 1]))

    @pytest.mark.parametrize("members", [1, 2])
    def test_an_embedding_without_columns_is_exported(self, members):
        X, y = digits(dtype=np.float32)
        X = np.round(X)
        model = brief(embedding="piecewise_linear", members=members).fit(X, y)
        assert model.embedding_columns_.size == 0
        assert_same_classes(model, X)

    def test_an_embedding_of_the_user_is_refused(self):
        class Twice(Embedding):
            pass

        class TwiceLayer(EmbeddingLayer):
            embeds = Twice

            def __init__(self, n_features):
                self.n_inputs = self.width = n_features

            @classmethod
            def of(cls, embedding, X, weights=None):
                return cls(X.shape[1])

            def buffers(self, rows, dtype, order="C", training=False):
                shape = *rows, self.width
                return SimpleNamespace(A=np.empty(shape, dtype), dA=np.empty(shape, dtype))

            def forward(self, X, buffers):
                return np.multiply(X, 2, out=buffers.A)

            def backward(self, X, dA, buffers, dX=None):
                pass

        X, y = digits(dtype=np.float32)
        model = brief(embedding=Twice(), engine="numpy", max_iter=1).fit(X, y)
        message = refusal(lambda: exported(model, X))
        assert "cannot be exported to ONNX" in message and "choose another embedding" in message


class TestLosses:
    @pytest.mark.parametrize("members", [1, 3])
    @pytest.mark.parametrize(
        "name, kind", [(name, kind) for kind in KINDS for name in Loss.serving(kind)]
    )
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_loss_gives_the_same_probabilities(self, name, kind, members, dtype):
        X, y = digits(kind, 150, dtype)
        model = brief(loss=name, members=members, max_iter=20).fit(X, y)
        # Far away every logistic output of a class can underflow.
        assert_same_classes(model, np.concatenate([X, 30 * X, -30 * X]))

    @pytest.mark.parametrize("members", [1, 3])
    @pytest.mark.parametrize(
        "name, n_targets",
        [
            (name, n)
            for name in Loss.serving("continuous")
            for n in (1, 2)
            # Others take one target only.
            if n == 1 or default(Loss.named()[name]).for_target("continuous").link.n_outputs(2) == 2
        ],
    )
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_a_loss_gives_the_same_numbers(self, name, n_targets, members, dtype):
        X, Y = numbers(dtype, n_targets)
        model = brief(ScratchMLPRegressor, loss=name, members=members, max_iter=20).fit(X, Y)
        assert_same_numbers(model, np.concatenate([X, 2 * X, -X]))

    @pytest.mark.parametrize("members", [1, 3])
    @pytest.mark.parametrize("quantiles", [(0.25, 0.75), (0.05, 0.3, 0.5, 0.95)])
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_quantiles_are_the_same(self, quantiles, members, dtype):
        X, y = numbers(dtype)
        loss = Quantiles(quantiles=quantiles)
        model = brief(ScratchMLPRegressor, loss=loss, members=members, max_iter=20).fit(X, y)
        # Far away the differences are tiny, or large.
        assert_same_numbers(model, np.concatenate([X, 30 * X, -30 * X]))

    def test_every_link_has_a_form(self):
        used = {type(loss.for_target(kind).link) for loss in LOSSES for kind in loss.kinds}
        assert used == LINKS.keys()
        assert LINKS.keys() == {*of_package(subclasses(links.Link))}

    def test_a_link_of_the_user_is_refused(self):
        class Reversed(links.Softmax):
            def probabilities(self, Z):
                return super().probabilities(-Z)

        class ReversedLoss(SoftmaxCrossEntropy):
            link = Reversed()

        X, y = digits(dtype=np.float32)
        model = brief(loss=ReversedLoss(), max_iter=1).fit(X, y)
        message = refusal(lambda: exported(model, X))
        assert "ReversedLoss" in message and "choose a loss with a link of [" in message


class TestMembers:
    @pytest.mark.parametrize("kind", KINDS)
    @pytest.mark.parametrize("members", [1, 3])
    def test_the_temperature_divides_the_scores_of_each_member(self, members, kind):
        X, y = digits(kind, 150, np.float32)
        model = brief(
            members=members, early_stopping=True, temperature_scaling=True, max_iter=15
        ).fit(X, y)
        assert np.unique(model.temperature_).size == members
        assert (np.abs(np.log(model.temperature_)) > 0.1).any()
        assert_same_classes(model, X)

    def test_members_that_differ_are_averaged(self):
        X, y = digits(dtype=np.float32)
        values = {"alpha": [0.0, 1.0, 10.0], "learning_rate_init": [0.001, 0.01, 0.1]}
        assert_same_classes(brief(members=values, max_iter=20).fit(X, y), X)

    def test_the_mean_of_numbers_is_that_of_exp_of_the_scores(self):
        X, y = numbers(np.float64)
        model = brief(ScratchMLPRegressor, loss="poisson", members=3).fit(X, y)
        # Members that disagree: the exp of the mean score would be far from the mean.
        model.intercepts_[-1][...] = [[-3.0], [0.0], [3.0]]
        assert_same_numbers(model, X, rtol=1e-12)
