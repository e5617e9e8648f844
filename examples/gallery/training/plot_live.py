"""
A plot while training
=====================

A callback is called after every epoch, and can draw. With an interactive window or in a notebook
with ``%matplotlib widget``, the curve grows while the network trains. This page shows the last
state. Callbacks need scikit-learn 1.9.
"""

# %%
# The callback
# ------------
# ``context.metrics`` has the numbers of an epoch: "epoch", "loss" and, with held-out rows,
# "validation_loss" and "validation_score".
import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

from sknumpy_mlp import ScratchMLPClassifier

plt.rcParams.update({"font.size": 11})


class LivePlot:
    def __init__(self, ax):
        self.lines = {
            "loss": ax.plot([], [], color="#0072B2", label="training")[0],
            "validation_loss": ax.plot([], [], "--", color="#D55E00", label="held out")[0],
        }
        self.ax = ax

    def setup(self, estimator, context):
        self.epochs = {name: [] for name in self.lines}

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context):
        if context.task_name == "epoch":
            for name, line in self.lines.items():
                self.epochs[name].append(context.metrics[name])
                line.set_data(range(1, len(self.epochs[name]) + 1), self.epochs[name])
            self.ax.relim()
            self.ax.autoscale_view()
            self.ax.figure.canvas.draw()
            self.ax.figure.canvas.flush_events()

    def teardown(self, estimator, context):
        pass


# %%
# A fit with the plot
# -------------------
# In a script, ``plt.ion()`` and ``plt.show()`` before ``fit`` open the window. A callback that
# returns True at the end of an epoch ends the fit.
X, y = load_digits(return_X_y=True)
fig, ax = plt.subplots(figsize=(6, 4), layout="constrained")
plot = LivePlot(ax)
ax.set(xlabel="Epoch", ylabel="Loss", title="Drawn after every epoch")
ax.legend()

clf = ScratchMLPClassifier(
    (32,), learning_rate_init=0.003, max_iter=20, n_iter_no_change=None, random_state=0
)
clf.set_callbacks(plot).fit(X[:1200] / 16, y[:1200], X_val=X[1200:] / 16, y_val=y[1200:])
plt.show()
