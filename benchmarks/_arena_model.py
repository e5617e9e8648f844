"""The recipe for tables as a model of AutoGluon, which is what TabArena runs.

The class is in a module of its own because AutoGluon pickles its models, and a pickle names the
module of a class.
"""

from autogluon.core.constants import REGRESSION
from autogluon.core.models import AbstractModel
from threadpoolctl import threadpool_limits

from sknumpy_mlp import make_tabular_mlp


class TabularMLPModel(AbstractModel):
    """`make_tabular_mlp` with one default configuration.

    Hyperparameters are the arguments of `make_tabular_mlp`. There is no default that differs from
    the function's. AutoGluon adds ``random_state``. The rows that AutoGluon holds out of a bag's
    fold are not used in `fit`: each network of the recipe holds out rows of its own. A time limit
    is not observed.
    """

    ag_key = "SKNUMPY-MLP"
    ag_name = "SknumpyMLP"
    seed_name = "random_state"
    # These kinds of columns reach the model, others are converted by AutoGluon before.
    _default_auxiliary_params_extra = {"valid_raw_types": ["bool", "int", "float", "category"]}
    _supported_problem_types = ["binary", "multiclass", "regression"]
    default_resources_physical_cores_only = True

    def _fit(self, X, y, num_cpus=1, **kwargs):
        task = "regression" if self.problem_type == REGRESSION else "classification"
        self.model = make_tabular_mlp(task, **self._get_model_params())
        with threadpool_limits(num_cpus):
            self.model.fit(self.preprocess(X, is_train=True), y.to_numpy())
