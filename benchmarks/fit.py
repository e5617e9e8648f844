"""Compare whole `fit` calls with scikit-learn, PyTorch, skorch, JAX and the matrix products alone.

All contenders have the same network, data, initial weights, steps and order of batches; see
README.md. The script exits with status 1 if the losses do not agree.
"""

import argparse
import importlib.util
import re
import sys

from _timing import (
    add_common_options,
    alternate,
    describe_machine,
    ignore_expected_warnings,
    limit_threads,
    median,
    print_table,
    ratio,
    show_ratio,
)

# Tolerances of the relative difference between a peer's loss and ours, in the first and in the last
# epoch. All use the same batches in the same order from the same initial weights. Agreement in the
# first epoch therefore shows that the computations agree; training amplifies rounding errors later.
TOLERANCES = {
    # Only the order of summation differs: 1e-16 per step, amplified.
    "float64": (1e-10, 1e-6),
    # As above, with 6e-8 per step. Rounding errors can switch ReLU units on or off.
    "float32": (5e-4, 5e-2),
}
# In both dtypes, Adam of PyTorch (and skorch) adds epsilon after the bias correction, and weight
# decay also affects biases. This matters where the L2 term is the whole gradient: for dead ReLU
# units, and for the weights of pixels that are rarely non-zero.
TORCH_TOLERANCES = {"float64": (1e-2, 1e-1), "float32": (1e-2, 1e-1)}
# A line search compares losses, so a single rounding error can change the path of lbfgs.
# scikit-learn multiplies float32 data by float64 weights; our estimator converts the data first.
LBFGS_TOLERANCES = {"float64": (1e-3, 1e-3), "float32": (1e-1, 1e-1)}


def parse_arguments():
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="DIR", help="folder with mnist.npz (otherwise: OpenML)")
    parser.add_argument(
        "--peers",
        default="sklearn,torch,torch_compiled,skorch,jax",
        help="default: all installed peers",
    )
    parser.add_argument("--cells", default="", metavar="REGEX", help="only cells that match")
    parser.add_argument("--dtype", choices=["float32", "float64"], help="default: both")
    parser.add_argument(
        "--engine",
        choices=["auto", "numpy", "compiled"],
        default="auto",
        help="what computes ours; beside compiled kernels, NumPy takes part as numpy",
    )
    parser.add_argument("--list", action="store_true", help="list the cells and stop")
    add_common_options(parser)
    return parser.parse_args()


def tolerance(cell, peer):
    """The allowed relative differences of the losses in the first and in the last epoch."""
    if cell.solver == "lbfgs":
        return LBFGS_TOLERANCES[cell.dtype]
    return (TORCH_TOLERANCES if "torch" in peer or peer == "skorch" else TOLERANCES)[cell.dtype]


def installed(names, known):
    """The peers that can be imported; prints the names of the others."""
    for name in names:
        if name not in known:
            sys.exit(f"--peers must be some of {', '.join(known)}, got {name}")
        if not importlib.util.find_spec(known[name][1]):
            print(f"{name}: not installed, skipped")
    return [name for name in names if importlib.util.find_spec(known[name][1])]


def differences(their, our):
    """Relative differences from our losses in the first and in the last epoch."""
    return abs(their.first / our.first - 1), abs(their.last / our.last - 1)


def find_disagreements(cell, results):
    """One line for each peer whose losses differ from ours in any round."""
    lines = []
    for name, rounds in results.items():
        allowed = tolerance(cell, name)
        for our, their in zip(results["ours"], rounds):
            found = differences(their, our)
            # A loss of nan fails this comparison.
            if not all(one <= limit for one, limit in zip(found, allowed)):
                lines.append(
                    f"{cell.name}: the losses of {name}, first and last epoch, are "
                    f"{their.first:.8g} and {their.last:.8g}, ours {our.first:.8g} and "
                    f"{our.last:.8g}; relative differences {found[0]:.1g} and {found[1]:.1g}, "
                    f"allowed {allowed[0]:.1g} and {allowed[1]:.1g}"
                )
                break
    return lines


def on_one_thread(contender):
    """The contender with BLAS limited to one thread."""
    from threadpoolctl import threadpool_limits

    def run():
        with threadpool_limits(1):
            return contender()

    return run


def describe_contender(name, cell, times, results, is_limit):
    """The row of one contender in the table of a cell."""
    seconds = median(times[name])
    step = median([t / r.n_steps for t, r in zip(times[name], results[name])])
    last = results[name][-1]
    note = f"{last.n_steps} iterations" if cell.solver == "lbfgs" else ""
    if last.steady is not None:
        note = f"{median([r.steady for r in results[name]]) * 1e6:.1f} us a step once compiled"
    compared = "" if name == "ours" else show_ratio(ratio(times, name, "ours"))
    loss = "" if is_limit else f"{last.last:.6f}"
    off_by = ""
    if not is_limit and name != "ours":
        off_by = "{:.0e}, {:.0e}".format(*differences(last, results["ours"][-1]))
    return name, f"{step * 1e6:.1f}", f"{seconds * 1e3:.1f}", compared, loss, off_by, note


def run_cell(cell, problem, peers, arguments):
    """Time a cell and print its table; returns the disagreements as a list."""
    import _contenders

    contenders = {"ours": _contenders.ours(cell, problem, arguments.engine)}
    if importlib.util.find_spec("numba") and arguments.engine != "numpy":
        contenders["numpy"] = _contenders.ours(cell, problem, "numpy")
    for name in peers:
        if name in cell.peers:
            contenders[name] = _contenders.PEERS[name][0](cell, problem)
    products = _contenders.products(cell, problem)
    limits = {} if products is None else {"products": products}
    if limits and arguments.threads > 1:
        # Threads slow down tiny products: the limit is the faster of the two.
        limits["products, one thread"] = on_one_thread(products)

    times, results = alternate(contenders | limits, arguments.repeats)
    print(f"\n{cell.name}: {cell.describe(problem.units, problem.n_rows)}")
    header = (
        "",
        "us a step",
        "fit, ms",
        "time / ours (quartiles)",
        "last loss",
        "first, last off by",
        "",
    )
    rows = [describe_contender(name, cell, times, results, name in limits) for name in times]
    print_table(header, rows)
    if limits:
        fastest = min(limits, key=lambda name: median(times[name]))
        low, middle, high = ratio(times, "ours", fastest)
        print(
            f"distance from the limit: {middle:.2f} ({low:.2f} to {high:.2f}); "
            f"the {fastest} alone take {100 / middle:.0f} % of our time",
            flush=True,
        )
    return find_disagreements(cell, {name: results[name] for name in contenders})


def main():
    """Run the selected cells."""
    arguments = parse_arguments()
    limit_threads(arguments.threads)
    # Imported here, since a BLAS reads its thread limit from the environment when it is loaded.
    import _cells
    import _contenders

    ignore_expected_warnings()
    chosen = [
        cell
        for cell in _cells.cells()
        if re.search(arguments.cells, cell.name) and arguments.dtype in (None, cell.dtype)
    ]
    if arguments.list or not chosen:
        print("cells:", *(cell.name for cell in chosen or _cells.cells()), sep="\n  ")
        sys.exit(not chosen)
    describe_machine(["numpy", "scipy", "sklearn", "numba", "torch", "skorch", "jax"])
    peers = installed(arguments.peers.split(","), _contenders.PEERS)
    print(f"{arguments.repeats} rounds of {', '.join(['ours', *peers, 'products'])}; medians")

    disagreements, missing = [], {}
    for cell in chosen:
        try:
            # Try each source once: OpenML takes seconds to fail.
            problem = None if cell.source in missing else _cells.prepare(cell, arguments.data)
        except _cells.MissingDataError as error:
            missing[cell.source] = error
        if cell.source in missing:
            print(f"\nskipped {cell.name}: {missing[cell.source]}", flush=True)
            continue
        disagreements += run_cell(cell, problem, peers, arguments)
    if disagreements:
        sys.exit("\n".join(["\nLOSSES DISAGREE", *disagreements]))
    print("\nlosses agree in every cell that ran")


if __name__ == "__main__":
    main()
