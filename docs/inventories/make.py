"""Write the inventories: the few foreign names that inherited docstrings refer to.

``python docs/inventories/make.py``, after a line was added to NAMES. The addresses are those of the
projects' own inventories, so that no network is needed to build the site.
"""

import zlib
from pathlib import Path

# Project: version, and "name domain:role priority address title" of each object.
NAMES = {
    "numpy": [
        "numpy.ndarray py:class 1 reference/generated/numpy.ndarray.html -",
        "numpy.random.RandomState py:class 1 reference/random/legacy.html -",
    ],
    "python": [
        "TypeError py:exception 1 library/exceptions.html#$ -",
        "ValueError py:exception 1 library/exceptions.html#$ -",
    ],
    "sklearn": [
        "accuracy_score std:label -1 modules/model_evaluation.html#accuracy-score Accuracy score",
        "df_output_transform std:label -1 auto_examples/miscellaneous/plot_set_output.html -",
        "meta-estimator std:term -1 glossary.html#term-$ -",
        "metadata_routing std:label -1 metadata_routing.html#metadata-routing Metadata Routing",
        "sphx_glr_auto_examples_miscellaneous_plot_set_output.py std:label -1 "
        "auto_examples/miscellaneous/plot_set_output.html Introducing the set_output API",
        "sklearn.compose.TransformedTargetRegressor py:class 1 modules/generated/$.html -",
        "sklearn.neural_network.MLPClassifier py:class 1 modules/generated/$.html -",
        "sklearn.neural_network.MLPRegressor py:class 1 modules/generated/$.html -",
        "sklearn.pipeline.Pipeline py:class 1 modules/generated/$.html -",
    ],
}


def write(project, lines, folder):
    """Write one inventory in the second version of Sphinx's format."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    body = zlib.compress("".join(f"{line}\n" for line in lines).encode(), 9)
    (folder / f"{project}.inv").write_bytes(head.encode() + body)


if __name__ == "__main__":
    for project, lines in NAMES.items():
        write(project, lines, Path(__file__).parent)
