"""What pytest collects where an extra is missing."""

import importlib.util

# The doctests of compiled kernels need numba, the extra "fast".
collect_ignore_glob = []
if importlib.util.find_spec("numba") is None:
    collect_ignore_glob = ["sknumpy_mlp/core/compiled/*.py"]
