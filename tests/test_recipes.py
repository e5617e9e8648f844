"""The recipes of `examples/recipes.py`: the published networks, and what they reach on digits.

One seed each, where the script takes the median of five; MNIST's recipes only have their networks
checked, on a few rows.
"""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from sknumpy_mlp import ScratchMLPClassifier

from .common import script

recipes = script("recipes")
EVERY = recipes.RECIPES + recipes.IMPROVED
ON_DIGITS = [recipe for recipe in EVERY if recipe.data.startswith("digits")]
ON_MNIST = [recipe for recipe in EVERY if recipe.data.startswith("mnist")]


def name(recipe):
    return f"{recipe.key}, {recipe.title}"


def find(key, title=""):
    (found,) = (recipe for recipe in EVERY if recipe.key == key and title in recipe.title)
    return found


def shorter(recipe, epochs):
    return replace(recipe, settings=recipe.settings | {"max_iter": epochs})


@pytest.mark.parametrize("recipe", [r for r in ON_DIGITS if r.published is not None], ids=name)
def test_published_accuracy_is_reached(recipe):
    reached = recipes.run(recipe, seed=0).test
    # Ours must beat what was published. A tutorial's settings, with one seed where the script
    # takes five, may lack three binomial errors of its test set: less is no bad luck.
    slack = 0 if recipe.key.endswith("+") else 3 * recipe.error
    assert reached >= recipe.published - slack


def test_r0_is_worse_on_the_writers_who_come_last():
    last = recipes.run(find("R0", "last"), seed=0).test
    # Five seeds reached 82 to 87 %; two points of margin for other versions of the packages.
    assert 80 < last < 89
    assert last < recipes.run(find("R0", "random"), seed=0).test


def test_better_training_of_r0_reaches_93_percent_of_the_last_writers():
    # The tutorial's own network has 88.06 % there. Five seeds of ours reached 92.8 to 94.7 %.
    improved = find("R0+", "last")
    assert np.median([recipes.run(improved, seed).test for seed in range(3)]) >= 93


def test_r0b_reaches_what_mini_batches_reach_if_it_is_trained_to_its_end():
    run = recipes.run(find("R0b", "end"), seed=0)
    # Five seeds reached 96.1 to 97.2 % of 360 random test rows; a binomial error is 1 %.
    assert run.test > 93.5
    assert run.train > 99.5
    assert run.loss_curve[-1] < 0.01


def test_one_batch_descends_smoothly_and_better_optimizers_sooner():
    plain = recipes.run(find("R0b", "0.05"), seed=0)
    momentum = recipes.run(find("R0c"), seed=0)
    adam = recipes.run(find("R0d"), seed=0)
    rmsprop = recipes.run(find("R0e"), seed=0)
    assert plain.rises == 0
    final = {"plain": plain, "momentum": momentum, "rmsprop": rmsprop, "adam": adam}
    final = {key: run.loss_curve[-1] for key, run in final.items()}
    assert sorted(final, key=final.get)[0] == "adam"
    assert final["momentum"] < final["plain"]
    # At the same rate, where plain descent jumps.
    assert momentum.rises < recipes.run(find("R0b", "0.2"), seed=0).rises


def test_r4b_losses_learn_as_well_as_softmax():
    # Per cent of 360 test rows: R4's 93.06 less three binomial errors of 1.34.
    floor = 89
    assert recipes.run(find("R4b", "binary"), seed=0).test > floor
    # 300 epochs of 1,000 are enough from a Glorot start.
    assert recipes.run(shorter(find("R4b", "Glorot"), 300), seed=0).test > floor


def test_r4_has_as_many_parameters_as_published():
    X_train, _, y_train, _ = recipes.digits_scaled(0, None)
    settings = shorter(find("R4"), 1).settings
    summary = ScratchMLPClassifier(**settings, random_state=0).fit(X_train, y_train).summary()
    assert summary.splitlines()[-1].split() == ["total", "4,810"]


@pytest.mark.parametrize("recipe", ON_MNIST, ids=name)
def test_mnist_recipes_build_the_published_networks(recipe, monkeypatch):
    fitted = []
    fit = ScratchMLPClassifier.fit

    def kept(self, X, y):
        fitted.append(fit(self, X, y))
        return fitted[-1]

    monkeypatch.setattr(ScratchMLPClassifier, "fit", kept)
    rng = np.random.default_rng(0)
    pixels = rng.integers(256, size=(1200, 784), dtype=np.uint8)
    labels = np.arange(1200) % 10
    recipes.run(shorter(recipe, 1), seed=0, mnist=(pixels, labels, pixels, labels))
    (classifier,) = fitted
    units = {"R1": [784, 10, 10], "R2": [784, 10, 10], "R3": [784, 16, 16, 10]}[recipe.group]
    shapes = list(pairwise(units))
    assert [W.shape for W in classifier.coefs_] == shapes
    assert classifier.coefs_[0].dtype == np.float32


def test_without_a_network_mnist_is_left_out_with_a_message(monkeypatch, capsys):
    def refuse(*args, **kwargs):
        raise OSError("no route to host")

    monkeypatch.setattr(recipes, "fetch_openml", refuse)
    assert recipes.load_mnist(None) is None
    said = capsys.readouterr().out
    assert "no route to host" in said
    assert "--data DIR" in said
    assert "X_train, y_train, X_test, y_test" in said


def test_mnist_is_read_from_a_folder(tmp_path):
    arrays = {key: np.arange(3) + n for n, key in enumerate(recipes.MNIST_ARRAYS)}
    np.savez(tmp_path / "mnist.npz", **arrays)
    for read, written in zip(recipes.load_mnist(tmp_path), arrays.values(), strict=True):
        np.testing.assert_array_equal(read, written)
