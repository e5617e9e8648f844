import pytest


@pytest.fixture(autouse=True)
def pictures_on_paper():
    """No window is opened, and no figure stays."""
    plt = pytest.importorskip("matplotlib.pyplot", reason="matplotlib is not installed")
    plt.switch_backend("Agg")
    plt.close("all")
    yield
    plt.close("all")
