"""BLAS threads: one inside small fits, what the user gave everywhere else, whatever happens."""

import os
import threading

import numpy as np
import pytest
from threadpoolctl import ThreadpoolController

from sknumpy_mlp import ScratchMLPClassifier, schedules
from sknumpy_mlp._estimator.threads import (
    ALWAYS_ONE_THREAD,
    WORTH_THREADS,
    Threads,
    blas_threads,
    blas_threads_of_products,
)
from sknumpy_mlp._family import Rule

LIBRARIES = ThreadpoolController().select(user_api="blas")
X = np.random.RandomState(0).uniform(size=(60, 5))
y = np.arange(60) % 3


def n_threads():
    return {library.num_threads for library in LIBRARIES.lib_controllers}


class Watch(schedules.Schedule):
    """A constant rate; calls a function at every step."""

    rules = {"look": Rule(callable, "a function without arguments")}

    def __init__(self, look):
        self.look = look

    def __call__(self, t):
        self.look()
        return 1.0


def small(look):
    return ScratchMLPClassifier(
        (4,), learning_rate=Watch(look=look), max_iter=2, n_iter_no_change=None, random_state=0
    )


@pytest.fixture(autouse=True)
def two_threads():
    before = [library.num_threads for library in LIBRARIES.lib_controllers]
    set_threads([2] * len(before))
    yield
    set_threads(before)


def set_threads(numbers):
    """Set BLAS threads from whatever Python thread, and let others set them afterwards."""
    for library, number in zip(LIBRARIES.lib_controllers, numbers):
        library.set_num_threads(number)
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)


def test_a_small_fit_has_one_thread_and_gives_back_what_was():
    seen = []
    small(lambda: seen.append(n_threads())).fit(X, y)
    assert seen
    assert all(each == {1} for each in seen)
    assert n_threads() == {2}


def test_partial_fit_has_one_thread_too():
    seen = []
    small(lambda: seen.append(n_threads())).partial_fit(X, y, classes=[0, 1, 2])
    assert seen == [{1}]
    assert n_threads() == {2}


def test_a_large_product_uses_what_the_user_gave():
    with blas_threads(WORTH_THREADS):
        assert n_threads() == {2}
    with blas_threads(WORTH_THREADS - 1):
        assert n_threads() == {1}
    assert n_threads() == {2}


def test_threads_come_back_after_an_error():
    def fail():
        raise RuntimeError("on purpose")

    with pytest.raises(RuntimeError, match="on purpose"):
        small(fail).fit(X, y)
    assert n_threads() == {2}


def test_fits_that_overlap_restore_what_was_before_the_first():
    first_is_in, second_is_done = threading.Event(), threading.Event()
    seen = []

    def wait():
        first_is_in.set()
        # A minute is forever here; the test must end even if the other thread does not begin.
        assert second_is_done.wait(60)
        seen.append(n_threads())

    first = threading.Thread(target=lambda: small(wait).fit(X, y))
    first.start()
    assert first_is_in.wait(60)
    small(lambda: None).fit(X, y)
    # The second must neither give two threads back while the first is at work, nor leave the one
    # that it found as its last word.
    during = n_threads()
    second_is_done.set()
    first.join()
    assert during == {1}
    assert seen
    assert all(each == {1} for each in seen)
    assert n_threads() == {2}


def test_the_last_of_overlapping_fits_restores_whatever_thread_it_runs_in():
    second_is_in, first_is_done = threading.Event(), threading.Event()
    seen = []

    def wait():
        second_is_in.set()
        assert first_is_done.wait(60)
        seen.append(n_threads())

    second = threading.Thread(target=lambda: small(wait).fit(X, y))

    def begin_second():
        if not second.ident:
            second.start()
            assert second_is_in.wait(60)

    small(begin_second).fit(X, y)
    first_is_done.set()
    second.join()
    assert seen
    assert all(each == {1} for each in seen)
    assert n_threads() == {2}


class Library:
    """Counts threads; fails to set them when it is told to."""

    def __init__(self, fails=False):
        self.num_threads = 2
        self.fails = fails

    def set_num_threads(self, n_threads):
        if self.fails:
            raise KeyboardInterrupt
        self.num_threads = n_threads


def of(threads, n=WORTH_THREADS - 1):
    return blas_threads(n, threads)


def with_libraries(*libraries):
    threads = Threads()
    threads._libraries = list(libraries)
    return threads


def test_threads_come_back_when_setting_them_fails():
    threads = with_libraries(Library(), Library(fails=True))
    with pytest.raises(KeyboardInterrupt), of(threads):
        pass
    first, second = threads._libraries
    assert first.num_threads == 2
    second.fails = False
    with of(threads):
        assert (first.num_threads, second.num_threads) == (1, 1)
    assert (first.num_threads, second.num_threads) == (2, 2)


def test_threads_that_somebody_else_set_meanwhile_stay():
    threads = with_libraries(Library())
    with of(threads):
        threads._libraries[0].num_threads = 4
    assert threads._libraries[0].num_threads == 4


@pytest.mark.parametrize("first_is_large", [True, False])
def test_a_large_call_has_what_the_user_gave_whatever_runs_beside_it(first_is_large):
    threads = with_libraries(Library())
    (library,) = threads._libraries
    large, small = of(threads, WORTH_THREADS), of(threads)
    first, second = (large, small) if first_is_large else (small, large)
    first.__enter__()
    assert library.num_threads == (2 if first_is_large else 1)
    second.__enter__()
    assert library.num_threads == 2
    large.__exit__(None, None, None)
    assert library.num_threads == 1
    small.__exit__(None, None, None)
    assert library.num_threads == 2


def test_a_call_that_was_never_left_has_ended_when_the_next_one_comes():
    threads = with_libraries(Library())
    call = of(threads)
    call.__enter__()
    assert threads._libraries[0].num_threads == 1
    del call
    with of(threads, WORTH_THREADS):
        assert threads._libraries[0].num_threads == 2
    assert threads._libraries[0].num_threads == 2


def test_predictions_of_a_few_rows_cost_nothing_and_others_are_calls_as_fits_are():
    with blas_threads_of_products(ALWAYS_ONE_THREAD):
        assert n_threads() == {2}
    with blas_threads_of_products(ALWAYS_ONE_THREAD + 1):
        assert n_threads() == {1}
    with blas_threads_of_products(WORTH_THREADS):
        assert n_threads() == {2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_forked_process_does_not_wait_for_its_parent_s_fits():
    threads = with_libraries(Library())
    with of(threads):
        # What the child has of it.
        threads.forget()
        assert not threads.small
        assert threads._libraries[0].num_threads == 2
