"""The value of every loss in any precision, by mpmath: the formulas of the docstrings."""

import mpmath as mp

from sknumpy_mlp import losses


def exact_softplus(z):
    return mp.log1p(mp.exp(z))


def exact_logistic(z):
    return 1 / (1 + mp.exp(-z))


def smoothed(y, label_smoothing, n_outcomes):
    return [(1 - mp.mpf(label_smoothing)) * t + mp.mpf(label_smoothing) / n_outcomes for t in y]


def exact_softmax(z, y, label_smoothing):
    logs = [mp.log(mp.fsum(mp.exp(other - each) for other in z)) for each in z]
    return mp.fsum(t * log for t, log in zip(smoothed(y, label_smoothing, len(z)), logs))


def exact_crossentropy(z, y, label_smoothing):
    return mp.fsum(
        t * exact_softplus(-each) + (1 - t) * exact_softplus(each)
        for each, t in zip(z, smoothed(y, label_smoothing, 2))
    )


def exact_squared_error(z, y):
    return mp.fsum((exact_logistic(each) - true) ** 2 for each, true in zip(z, y)) / 2


def exact_half_square(z, y):
    return mp.fsum((each - true) ** 2 for each, true in zip(z, y)) / 2


def exact_half_deviance(z, y):
    return mp.fsum(
        mp.exp(each) - true - (true * (each - mp.log(true)) if true else 0)
        for each, true in zip(z, y)
    )


def exact_distance(z, y):
    return mp.fsum(abs(each - true) for each, true in zip(z, y))


def exact_huber(z, y, delta):
    r = [abs(each - true) for each, true in zip(z, y)]
    return mp.fsum(a**2 / 2 if a <= delta else delta * (a - mp.mpf(delta) / 2) for a in r)


def exact_pinball(z, y, quantile):
    r = [true - each for each, true in zip(z, y)]
    return mp.fsum(quantile * a if a > 0 else (quantile - mp.mpf(1)) * a for a in r)


def exact_quantiles(z, y, quantiles):
    q = [mp.fsum([z[0], *map(exact_softplus, z[1 : k + 1])]) for k in range(len(z))]
    return mp.fsum(exact_pinball([each], y[:1], p) for each, p in zip(q, quantiles))


# A new formula needs its value here, in any precision: z and y of one row, y of 0 and 1 or of
# numbers; then the parameters of the loss.
EXACT = {
    losses.ContinuousSquaredError: exact_half_square,
    losses.Poisson: exact_half_deviance,
    losses.AbsoluteError: exact_distance,
    losses.Huber: exact_huber,
    losses.Pinball: exact_pinball,
    losses.Quantiles: exact_quantiles,
    losses.SoftmaxCrossEntropy: exact_softmax,
    losses.LabelwiseCrossEntropy: exact_crossentropy,
    losses.BinaryCrossEntropy: exact_crossentropy,
    losses.ClasswiseCrossEntropy: exact_crossentropy,
    losses.LabelwiseSquaredError: exact_squared_error,
    losses.ClasswiseSquaredError: exact_squared_error,
}


def exact(loss, z, y):
    z, y = (
        [mp.mpf(each if isinstance(each, mp.mpf) else float(each)) for each in r] for r in (z, y)
    )
    return EXACT[type(loss)](z, y, **loss.get_params())
