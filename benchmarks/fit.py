"""Whole `fit` calls, ours against scikit-learn, PyTorch, skorch and JAX, and against the limit.

Same network, data, starting weights, steps and order of batches for all; see README.md. Exits
with status 1 if the losses do not agree.
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

# How far a peer's loss may be from ours, relative to ours: that of the first epoch and that of the
# last. All see the same batches in the same order from the same start, so a first epoch that
# agrees says that they do the same, and what is left at the end is what training makes of it.
TOLERANCES = {
    # Only the order of summation differs: 1e-16 a step, amplified.
    "float64": (1e-10, 1e-6),
    # The same with 6e-8 a step. ReLU units that a rounding switches on or off make it visible.
    "float32": (5e-4, 5e-2),
}
# PyTorch, and skorch on it, differ in Adam's formula, in either dtype: epsilon is added after the
# bias correction, and weight decay reaches biases. It shows where the L2 term is the whole
# gradient: in ReLU units that are dead, and in the weights of pixels that are rarely lit.
TORCH_TOLERANCES = {"float64": (1e-2, 1e-1), "float32": (1e-2, 1e-1)}
# A line search decides by comparing losses, so one rounding can send lbfgs along another path;
# scikit-learn multiplies float32 data by float64 weights, we convert the data first.
LBFGS_TOLERANCES = {"float64": (1e-3, 1e-3), "float32": (1e-1, 1e-1)}


def parse_arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", metavar="DIR", help="folder with mnist.npz (else: OpenML)")
    parser.add_argument(
        "--peers", default="sklearn,torch,skorch,jax", help="default: all that are installed"
    )
    parser.add_argument("--cells", default="", metavar="REGEX", help="cells whose name matches")
    parser.add_argument("--dtype", choices=["float32", "float64"], help="default: both")
    parser.add_argument("--list", action="store_true", help="list the cells and stop")
    add_common_options(parser)
    return parser.parse_args()


def tolerance(cell, peer):
    """How far apart the losses of the first and of the last epoch may be, relatively."""
    if cell.solver == "lbfgs":
        return LBFGS_TOLERANCES[cell.dtype]
    return (TORCH_TOLERANCES if peer in ("torch", "skorch") else TOLERANCES)[cell.dtype]


def installed(names, known):
    """Those of the peers that can be imported; says which cannot."""
    for name in names:
        if name not in known:
            sys.exit(f"--peers must be some of {', '.join(known)}, got {name}")
        if not importlib.util.find_spec(known[name][1]):
            print(f"{name}: not installed, skipped")
    return [name for name in names if importlib.util.find_spec(known[name][1])]


def differences(their, our):
    """Differences of the losses of the first and of the last epoch, relative to ours."""
    return abs(their.first / our.first - 1), abs(their.last / our.last - 1)


def find_disagreements(cell, results):
    """One line for each peer whose losses are not ours, in any round."""
    lines = []
    for name, rounds in results.items():
        allowed = tolerance(cell, name)
        for our, their in zip(results["ours"], rounds):
            found = differences(their, our)
            # Written so that a loss that is not a number disagrees.
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
    """The contender under a BLAS limit of one thread."""
    from threadpoolctl import threadpool_limits

    def run():
        with threadpool_limits(1):
            return contender()

    return run


def describe_contender(name, cell, times, results, is_limit):
    """The line of one contender in a cell's table."""
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
    """Time a cell and print its table; returns the disagreements."""
    import _contenders

    contenders = {"ours": _contenders.ours(cell, problem)}
    for name in peers:
        if name in cell.peers:
            contenders[name] = _contenders.PEERS[name][0](cell, problem)
    products = _contenders.products(cell, problem)
    limits = {} if products is None else {"products": products}
    if limits and arguments.threads > 1:
        # Threads make tiny products slower: the limit is the better of the two.
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
            f"distance from the limit: {middle:.2f} ({low:.2f} to {high:.2f}), that is, "
            f"the {fastest} alone take {100 / middle:.0f} % of our time",
            flush=True,
        )
    return find_disagreements(cell, {name: results[name] for name in contenders})


def main():
    """Run the cells that were asked for."""
    arguments = parse_arguments()
    limit_threads(arguments.threads)
    # Imported only now: a BLAS reads its thread limit from the environment when it is loaded.
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
    describe_machine(["numpy", "scipy", "sklearn", "torch", "skorch", "jax"])
    peers = installed(arguments.peers.split(","), _contenders.PEERS)
    print(f"{arguments.repeats} rounds of {', '.join(['ours', *peers, 'products'])}; medians")

    disagreements, missing = [], {}
    for cell in chosen:
        try:
            # Asked once: OpenML takes seconds not to answer.
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
