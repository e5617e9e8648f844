"""A deferred Ctrl-C: later, once, and only in the main thread."""

import os
import signal
import subprocess
import sys
import textwrap
import threading

import pytest

from sknumpy_mlp.core.interrupts import interrupts_deferred

pytestmark = pytest.mark.usefixtures("usual_handler")


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_what_is_begun_ends_before_the_interrupt():
    done = []
    with pytest.raises(KeyboardInterrupt), interrupts_deferred():
        press()
        press()
        done.append(1)
    assert done == [1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_without_ctrl_c_nothing_happens_and_errors_pass():
    with pytest.raises(ZeroDivisionError), interrupts_deferred():
        _ = 1 / 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("handler", [signal.SIG_IGN, signal.SIG_DFL])
def test_other_handlers_are_left_alone(handler):
    signal.signal(signal.SIGINT, handler)
    with interrupts_deferred():
        assert signal.getsignal(signal.SIGINT) == handler


def test_other_threads_are_left_alone():
    found = []

    def work():
        with interrupts_deferred():
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [signal.default_int_handler]


@pytest.mark.parametrize("seconds", [0.05, 0.3, 0.8, 1.5])
def test_after_a_ctrl_c_in_the_first_fit_the_next_one_works(seconds, tmp_path):
    pytest.importorskip("numba", reason="numba is not installed")
    program = f"""
        import os, signal, threading
        import numpy as np
        from sknumpy_mlp import ScratchMLPClassifier
        X, y = np.eye(6), np.arange(6) % 2
        # The shell that started the tests may ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        model = ScratchMLPClassifier((4,), max_iter=100_000, n_iter_no_change=None)
        threading.Timer({seconds}, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            model.fit(X, y)
        except KeyboardInterrupt:
            print("interrupted")
        print(model.set_params(max_iter=2).fit(X, y).engine_)
    """
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", textwrap.dedent(program)],
        env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.split() == ["interrupted", "compiled"], result.stderr
