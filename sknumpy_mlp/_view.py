"""What a notebook shows of an estimator: the link to its documentation, and a line below its name.

scikit-learn draws the view. It links each estimator, parameter and attribute to its documentation,
and shows the paragraphs of the docstring as tooltips beside the links.
"""


class Documented:
    """Mixin of estimators whose documentation is this package's; before BaseEstimator."""

    _doc_link_module = "sknumpy_mlp"
    # TODO(owner): the address of the documentation, such as
    # "https://.../{estimator_module}.{estimator_name}.html". Without one there are no links.
    _doc_link_template = ""


def box(estimator, caption):
    """The box of an estimator in scikit-learn's view, with a line below the name.

    Parameters
    ----------
    estimator : estimator
    caption : str or None

    Returns
    -------
    object
        What scikit-learn expects of `_sk_visual_block_`.
    """
    # The class is private. If it moves, scikit-learn catches the error and draws its own box.
    from sklearn.utils._repr_html.estimator import _VisualBlock

    return _VisualBlock(
        "single",
        estimator,
        names=type(estimator).__name__,
        name_details=str(estimator),
        name_caption=caption,
    )
