"""What `tabular.py` measures of a fit, and how it compares contenders.

A fit is a dict with the keys ``set``, ``seed`` and ``model`` and the `columns` of its task. Files
of fits are CSV files of these dicts. A score that a file lacks is nan and is printed as "-".
Scores are averaged over the fits of a table first, then over the tables.
"""

import csv
import math
from dataclasses import dataclass

import numpy as np
from _timing import print_table
from scipy.stats import rankdata, wilcoxon
from sklearn.metrics import log_loss, r2_score, roc_auc_score


@dataclass(frozen=True)
class Score:
    """A column of a file of fits, and how it is printed.

    Attributes
    ----------
    name : str
    title : str
    form : str
        Format specification.
    factor : float
        Multiplied with the value that is printed.
    ranked : bool
        Whether contenders are ranked and compared by it; lower is better.
    """

    name: str
    title: str
    form: str
    factor: float = 1.0
    ranked: bool = False

    def show(self, value):
        """The value as text."""
        return "-" if math.isnan(value) else format(self.factor * value, self.form)


TIMES = (Score("fit_seconds", "fit, s", ".2f"), Score("predict_us", "predict, us/row", ".1f"))
# To report intervals, add a score here and compute it in `scores_of`.
SCORES = {
    "classification": (
        Score("error", "error %", ".2f", factor=100, ranked=True),
        Score("log_loss", "log-loss", ".4f", ranked=True),
        Score("ece", "calibration error %", ".2f", factor=100),
        Score("auc", "AUC", ".4f"),
        *TIMES,
    ),
    "regression": (
        Score("nrmse", "nRMSE", ".4f", ranked=True),
        Score("r2", "R2", ".4f"),
        *TIMES,
    ),
}
# Names of columns and of models in files that other scripts wrote.
OLD_COLUMNS = {"seconds": "fit_seconds"}
OLD_MODELS = {
    "classification": {
        "sk_mlp": "MLPClassifier",
        "lr": "LogisticRegression",
        "hgb": "HistGradientBoosting",
        "realmlp_s": "RealMLP_TD_S",
        "realmlp": "RealMLP_TD",
    },
    "regression": {
        "sk_mlp": "MLPRegressor",
        "ridge": "RidgeCV",
        "hgb": "HistGradientBoosting",
        "lightgbm": "LightGBM",
    },
}


def columns(task):
    """The columns of a file of fits."""
    return ["set", "seed", "model", *(score.name for score in SCORES[task])]


def scores_of(task, y, predicted):
    """Scores of probabilities of shape (n, n_classes), or of predicted numbers of shape (n,).

    nRMSE is the root mean squared error divided by the standard deviation of `y`.
    """
    if task == "regression":
        nrmse = float(np.sqrt(np.mean((predicted - y) ** 2)) / np.std(y))
        return {"nrmse": nrmse, "r2": r2_score(y, predicted)}
    # float32 probabilities only sum to one up to rounding; log_loss would warn.
    proba = predicted / predicted.sum(axis=1, keepdims=True, dtype=np.float64)
    labels = np.arange(proba.shape[1])
    return {
        "error": float(np.mean(proba.argmax(axis=1) != y)),
        "log_loss": log_loss(y, proba, labels=labels),
        "ece": calibration_error(y, proba),
        "auc": roc_auc_score(
            y, proba[:, 1] if len(labels) == 2 else proba, multi_class="ovr", labels=labels
        ),
    }


def fit_of(task, table, seed, model, test, predicted, fit_seconds, predict_seconds):
    """A fit of a `Table` as a dict, from the predictions of its test rows and the times of both."""
    return {
        "set": table.name,
        "seed": seed,
        "model": model,
        **scores_of(task, table.y[test], predicted),
        "fit_seconds": fit_seconds,
        "predict_us": 1e6 * predict_seconds / len(test),
    }


def calibration_error(y, proba, n_bins=15):
    """Expected calibration error of the most probable class.

    Rows are put in bins of equal width by their largest probability. The error is the mean over the
    rows of abs(accuracy - mean largest probability), both taken in the row's bin (Guo et al., "On
    calibration of modern neural networks", ICML 2017).
    """
    confidence = proba.max(axis=1)
    correct = proba.argmax(axis=1) == y
    bins = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    excess = np.bincount(bins, weights=correct - confidence, minlength=n_bins)
    return float(np.abs(excess).sum() / len(y))


def read_fits(path, task):
    """The fits of a file; columns and models with an old name get the new one."""
    with open(path, newline="") as file:
        rows = [{OLD_COLUMNS.get(k, k): v for k, v in row.items()} for row in csv.DictReader(file)]
    ranked = next(score.name for score in SCORES[task] if score.ranked)
    if rows and not {"set", "seed", "model", ranked} <= set(rows[0]):
        raise ValueError(f"{path} must have the columns {columns(task)}, got {list(rows[0])}")
    return [
        {
            "set": row["set"],
            "seed": int(row["seed"]),
            "model": OLD_MODELS[task].get(row["model"], row["model"]),
            **{score.name: float(row.get(score.name) or math.nan) for score in SCORES[task]},
        }
        for row in rows
    ]


class Results:
    """Fits of several contenders.

    Parameters
    ----------
    task : str
    fits : list of dict
        If a contender has several fits on a split, the first one counts.
    """

    def __init__(self, task, fits):
        self.scores = SCORES[task]
        self.ranked = [score for score in self.scores if score.ranked]
        self._fits = {}
        for fit in fits:
            of_model = self._fits.setdefault(fit["model"], {})
            of_model.setdefault((fit["set"], fit["seed"]), fit)

    @property
    def models(self):
        """Names of the contenders, in the order of their first fits."""
        return list(self._fits)

    @property
    def tables(self):
        """Sorted names of the tables on which any contender was fitted."""
        return sorted({name for fits in self._fits.values() for name, _ in fits})

    def splits(self, model):
        """The (table, seed) pairs on which a contender was fitted."""
        return set(self._fits.get(model, ()))

    def value(self, model, split, score):
        """A score of the fit of a contender on a split."""
        return self._fits[model][split][score.name]

    def by_table(self, model, score, splits=None):
        """A dict from tables to the mean of a score, over all fits or over the given splits."""
        values = {}
        for key, fit in self._fits[model].items():
            if splits is None or key in splits:
                values.setdefault(key[0], []).append(fit[score.name])
        return {name: sum(values[name]) / len(values[name]) for name in sorted(values)}

    def mean(self, model, score, splits=None):
        """The mean over the tables of `by_table`."""
        values = self.by_table(model, score, splits).values()
        return sum(values) / len(values)

    def ranks(self, score):
        """Mean ranks of the contenders that have fits on every table; equal results share one."""
        complete = [m for m in self.models if len(self.by_table(m, score)) == len(self.tables)]
        # Rounded, so that results which only differ by a rounding are tied.
        means = [
            np.round(list(self.by_table(model, score).values()), 6).tolist() for model in complete
        ]
        ranks = rankdata(means, axis=0).mean(axis=1) if complete else []
        return dict(zip(complete, ranks))

    def duel(self, first, other, score):
        """Compare two contenders on the splits that both have; None if there are none.

        Returns
        -------
        means : tuple of float
            Of both.
        counts : tuple of int
            Tables on which `first` is better, equal and worse.
        p : float
            Two-sided p-value of Wilcoxon's signed-rank test over the means of the tables that
            differ; nan if there are none.
        """
        common = self.splits(first) & self.splits(other)
        if not common:
            return None
        means = tuple(self.mean(model, score, common) for model in (first, other))
        if math.isnan(sum(means)):
            return None
        pairs = [self.by_table(model, score, common).values() for model in (first, other)]
        difference = np.array([round(a, 6) - round(b, 6) for a, b in zip(*pairs)])
        counts = tuple(int(np.sum(np.sign(difference) == sign)) for sign in (-1, 0, 1))
        differing = difference[difference != 0]
        p = float(wilcoxon(differing).pvalue) if len(differing) else math.nan
        return means, counts, p


def report_table(results, table):
    """Print the scores of all contenders on one table."""
    lines = []
    for model in results.models:
        if any(name == table for name, _ in results.splits(model)):
            values = [results.by_table(model, score)[table] for score in results.scores]
            lines.append((model, *_shown(results, values)))
    print_table((table, *(score.title for score in results.scores)), lines)
    print()


def report(results):
    """Print means, mean ranks, and the first contender against each of the others."""
    ranks = [results.ranks(score) for score in results.ranked]
    lines = []
    for model in results.models:
        splits = results.splits(model)
        values = [results.mean(model, score) for score in results.scores]
        ranked = [f"{rank[model]:.1f}" if model in rank else "-" for rank in ranks]
        covered = f"{len({name for name, _ in splits})} ({len(splits)})"
        lines.append((model, covered, *_shown(results, values), *ranked))
    titles = [score.title for score in results.scores]
    rank_titles = [f"rank, {score.title.removesuffix(' %')}" for score in results.ranked]
    print_table(
        (f"mean of {len(results.tables)} tables", "tables (fits)", *titles, *rank_titles), lines
    )
    for score in results.ranked:
        _report_duels(results, score)


def _report_duels(results, score):
    first, *others = results.models
    lines = []
    for other in others:
        duel = results.duel(first, other, score)
        if duel is not None:
            (mine, its), counts, p = duel
            p = "-" if math.isnan(p) else f"{p:.3f}"
            lines.append((other, score.show(mine), score.show(its), *map(str, counts), p))
    if lines:
        print(f"\n{first} against each of the others, on the splits that both have: {score.title}")
        print_table(
            ("", f"of {first}", "of the other", "better", "equal", "worse", "Wilcoxon p"), lines
        )


def _shown(results, values):
    return [score.show(value) for score, value in zip(results.scores, values)]


def report_reproduction(results, known):
    """Print by how much fits differ from those of the same contender on the same split."""
    lines = []
    for model in results.models:
        common = results.splits(model) & known.splits(model)
        if common:
            largest = [
                score.show(
                    max(
                        abs(results.value(model, at, score) - known.value(model, at, score))
                        for at in common
                    )
                )
                for score in results.ranked
            ]
            lines.append((model, str(len(common)), *largest))
    if lines:
        print("\nlargest differences from the fits of the same models in the files of --baseline")
        print_table(("", "fits", *(score.title for score in results.ranked)), lines)
