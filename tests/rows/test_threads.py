"""Blocks side by side: the same sums on any number of threads, in order."""

import threading
import time
import warnings

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from sklearn_mle.rows import threads
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.threads import PARALLEL_COLUMNS, blocks_share_cores, in_order


def seen_by(n_threads, task, n_columns=3):
    """The names of the threads that `task` ran on, where BLAS may use so many."""
    names = set()

    def work(i):
        names.add(threading.current_thread().name)
        time.sleep(0.001)
        return task(i)

    results = []
    with threadpool_limits(n_threads, user_api="blas"), blocks_share_cores(n_columns):
        in_order(work, 40, results.append)
    return names, results


@pytest.mark.parametrize("n_threads", [1, 2])
def test_as_many_threads_as_blas_was_allowed_and_results_in_order(n_threads):
    names, results = seen_by(n_threads, lambda i: i)
    assert len(names) == n_threads
    assert results == list(range(40))


def test_outside_of_the_context_and_for_many_columns_blocks_follow_one_another():
    assert len(seen_by(2, int, PARALLEL_COLUMNS + 1)[0]) == 1
    names = set()
    in_order(lambda i: names.add(threading.current_thread().name), 40, lambda _: None)
    assert names == {threading.current_thread().name}


def test_a_context_inside_another_changes_nothing():
    with threadpool_limits(2, user_api="blas"), blocks_share_cores(3), blocks_share_cores(3):
        assert threads._threads.get() == 2


def test_an_exception_ends_all_and_is_raised():
    def task(i):
        if i == 17:
            raise ValueError("row 17")
        return i

    with pytest.raises(ValueError, match="row 17"):
        seen_by(2, task)


def test_the_error_state_of_the_caller_holds_in_every_thread():
    with warnings.catch_warnings(), np.errstate(divide="ignore"):
        warnings.simplefilter("error")
        seen_by(2, lambda i: np.log(np.zeros(3)))


def test_sums_and_columns_do_not_depend_on_the_threads():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5000, 4)), rng.normal(size=5000)
    rows = InMemoryRows(X, y, rng.integers(0, 3, size=5000).astype(float), block_rows=50)

    def per_block(block):
        r = block.y - block.X @ np.ones(4)
        return r, (np.dot(block.weigh(r), block.X), float(r.sum()))

    found = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="blas"), blocks_share_cores(4):
            found.append(rows.column_and_total(per_block))
    (r, (g, s)), (r2, (g2, s2)) = found
    assert (r == r2).all() and (g == g2).all() and s == s2


def test_no_array_that_a_block_handed_out_is_changed():
    held = np.ones(3)
    rows = InMemoryRows(np.ones((50, 1)), np.ones(50), block_rows=5)
    (total,) = rows.total(lambda block: (held,))
    np.testing.assert_array_equal(held, 1.0)
    np.testing.assert_array_equal(total, 10.0)


def test_threads_are_started_once_a_context_and_gone_after_it():
    before, starts = threading.active_count(), []
    start = threading.Thread.start
    rows = InMemoryRows(np.ones((500, 1)), np.ones(500), block_rows=5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda self: (starts.append(1), start(self))[1])
        with threadpool_limits(2, user_api="blas"), blocks_share_cores(3):
            for _ in range(10):
                assert rows.total(lambda block: (block.y.sum(),)) == (500.0,)
    assert len(starts) == 1
    assert threading.active_count() == before


def test_a_pass_inside_a_task_of_another_ends():
    rows = InMemoryRows(np.ones((50, 1)), np.ones(50), block_rows=5)
    inner = seen_by(2, lambda i: rows.total(lambda block: (block.y.sum(),))[0])[1]
    assert inner == [50.0] * 40
