"""Metadata that the estimators ask for by themselves, where scikit-learn lets an estimator ask.

Up to scikit-learn 1.9 only the user requests metadata, by `set_fit_request`. Later versions let an
estimator name what it requests if the user has set ``metadata_request_policy="auto"``.
"""

from typing import Any

# By method. What the user has requested, or declined, stays.
AUTO_REQUESTS = {
    "fit": ("sample_weight", "X_val", "y_val", "sample_weight_val"),
    "partial_fit": ("sample_weight", "X_val", "y_val", "sample_weight_val"),
    "score": ("sample_weight",),
}


class AutoRequests:
    """Mixin of estimators that request their rows and weights; before BaseEstimator."""

    def get_metadata_routing(self) -> Any:
        """Get metadata routing of this object.

        Returns
        -------
        routing : sklearn.utils.metadata_routing.MetadataRequest
            What the user has requested. Where scikit-learn supports automatic requests, they
            include weights and held-out samples.
        """
        routing = super().get_metadata_routing()
        for method, names in AUTO_REQUESTS.items():
            of_method = getattr(routing, method)
            if hasattr(of_method, "add_auto_request"):
                undecided = [name for name in names if of_method.requests.get(name) is None]
                of_method.add_auto_request(*undecided)
        return routing
