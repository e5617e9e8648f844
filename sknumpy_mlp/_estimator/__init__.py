"""The scikit-learn side of the estimators: what was asked, what was given, a fit under way.

No mathematics here. `base` tells `fit` in five verbs: plan, check, begin, train, publish.
"""
