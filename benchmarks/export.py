"""Compare one row through onnxruntime with `predict_proba` of the model that was exported.

The models are networks on digits, a pipeline with a scaler, and `make_tabular_mlp` on a table with
text. The script exits with status 1 if the probabilities differ.
"""

import argparse

from _timing import (
    add_common_options,
    alternate,
    describe_machine,
    ignore_expected_warnings,
    limit_threads,
    median,
    print_table,
    ratio,
    report_difference,
    show_ratio,
    show_time,
)

TOLERANCE = 1e-5


def table(rng, n_rows=1000):
    """A table of five columns of numbers, with gaps, and three of text."""
    import numpy as np
    import pandas as pd

    numbers = rng.standard_normal((n_rows, 5)).astype(np.float32)
    y = np.where(numbers[:, 0] + numbers[:, 1] ** 2 > 1, "yes", "no")
    numbers[rng.uniform(size=numbers.shape) < 0.1] = np.nan
    frame = pd.DataFrame(numbers, columns=[f"number{k}" for k in range(5)])
    for k, n_categories in enumerate((3, 10, 300)):
        frame[f"text{k}"] = [f"category {c}" for c in rng.randint(0, n_categories, n_rows)]
    return frame, y


def models(np):
    """Yield the name of each model, the fitted model, a row for it and the inputs for that row."""
    from sklearn.datasets import load_digits
    from sklearn.pipeline import make_pipeline

    from sknumpy_mlp import RobustSmoothScaler, ScratchMLPClassifier, make_tabular_mlp

    X, y = load_digits(return_X_y=True)
    X = (X / 16).astype(np.float32)
    brief = {"max_iter": 10, "random_state": 0, "n_iter_no_change": None}
    for name, model in (
        ("64-100-10", ScratchMLPClassifier((100,), **brief)),
        ("64-256-256-10", ScratchMLPClassifier((256, 256), **brief)),
        ("8 members of 64-100-10", ScratchMLPClassifier((100,), members=8, **brief)),
        (
            "scaler and 64-100-10",
            make_pipeline(RobustSmoothScaler(), ScratchMLPClassifier((100,), **brief)),
        ),
    ):
        yield name, model.fit(X, y), X[:1], [X[:1]]
    frame, y = table(np.random.RandomState(0))
    whole = frame[frame.notna().all(axis=1)][:1]
    gappy = frame[frame.isna().sum(axis=1) == 2][:1]
    for budget in ("fast", "default"):
        model = make_tabular_mlp(budget=budget, max_iter=4, random_state=0).fit(frame, y)
        for name, row in (("", whole), (", two gaps", gappy)):
            arrays = [row[column].to_numpy()[:, np.newaxis] for column in row]
            arrays = [a if a.dtype == np.float32 else a.astype(object) for a in arrays]
            yield f"table, {budget}{name}", model, row, arrays


def main():
    """Fit, export and time each model."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add_common_options(parser)
    arguments = parser.parse_args()
    limit_threads(arguments.threads)
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import numpy as np
    import onnxruntime
    from skl2onnx import to_onnx

    from sknumpy_mlp import onnx

    ignore_expected_warnings()
    describe_machine(["numpy", "onnxruntime", "sklearn", "skl2onnx", "numba"])
    onnx.register()
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = arguments.threads
    rows, worst = [], 0.0
    for name, model, row, arrays in models(np):
        is_table = hasattr(row, "columns")
        inputs = {"initial_types": onnx.column_types(model)} if is_table else {"X": row}
        proto = to_onnx(model, options={"zipmap": False}, **inputs)
        session = onnxruntime.InferenceSession(
            proto.SerializeToString(), settings, providers=["CPUExecutionProvider"]
        )
        feeds = {each.name: array for each, array in zip(session.get_inputs(), arrays)}
        contenders = {
            "onnxruntime": lambda run=session.run, feeds=feeds: run(None, feeds),
            "here": lambda model=model, row=row: model.predict_proba(row),
        }
        difference = np.abs(contenders["onnxruntime"]()[1] - contenders["here"]()).max()
        worst = max(worst, float(difference))
        calls = 50 if is_table else 1000
        times, _ = alternate(contenders, arguments.repeats, calls, pause=0)
        rows.append(
            (
                name,
                *(show_time(median(each)) for each in times.values()),
                show_ratio(ratio(times, "here", "onnxruntime")),
            )
        )
    print_table(("model", "onnxruntime", "here", "here / onnxruntime (quartiles)"), rows)
    report_difference(worst, TOLERANCE)


if __name__ == "__main__":
    main()
