"""The scikit-learn side of the estimators: parameters, input data and the running fit.

This package contains no mathematics. In `base`, a fit consists of five steps: plan, check, begin,
train and publish.
"""
