"""The cores of one machine, shared among blocks instead of inside each product.

A product of a short block is too little work for the threads of BLAS: they spend their time waiting
for each other, and for whatever else holds a core. In `blocks_share_cores` BLAS keeps to one thread
and whole blocks are worked on side by side, by as many threads as BLAS was allowed before, so that
a user's limits (``OMP_NUM_THREADS``, joblib, threadpoolctl) hold here as well.

Threads that help are started once a context and wait between passes: to wake one takes a third of
what it takes to start one.

NumPy's ``@`` keeps the interpreter lock where its result is small, ``numpy.dot`` never does: sums
over a block (``X'd``, ``X'X``) are written with ``dot``.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]

PARALLEL_COLUMNS = 200
"""Columns beyond which the threads of BLAS share products and factors of their square with
profit."""

_threads: contextvars.ContextVar[int | None] = contextvars.ContextVar("threads", default=None)
_crew: contextvars.ContextVar[_Crew | None] = contextvars.ContextVar("crew", default=None)


@contextlib.contextmanager
def blocks_share_cores(n_columns: int) -> Iterator[None]:
    """A context in which blocks of few columns are worked on side by side, BLAS on one thread.

    With more than `PARALLEL_COLUMNS` columns it does nothing: what is done between the passes over
    blocks is then worth the threads of BLAS, and a pass asks for this context by itself.
    """
    if _threads.get() is not None:
        yield
        return
    if n_columns > PARALLEL_COLUMNS:
        yield
        return
    controller = _controller()
    threads = max((pool.num_threads for pool in controller.lib_controllers), default=1)
    crew = _Crew()
    tokens = _threads.set(threads), _crew.set(crew)
    try:
        with controller.limit(limits=1, user_api="blas"):
            yield
    finally:
        crew.dismiss()
        _threads.reset(tokens[0])
        _crew.reset(tokens[1])


@contextlib.contextmanager
def tasks_share_cores() -> Iterator[None]:
    """A context for whoever runs tasks side by side in this process: BLAS on one thread.

    Set by the thread that asks for the tasks, never by a task: the limit belongs to the process,
    and threadpoolctl lets only one thread move it.
    """
    with _controller().limit(limits=1, user_api="blas"):
        yield


@contextlib.contextmanager
def inside_a_task() -> Iterator[None]:
    """A context for a task among others: its blocks follow one another."""
    token = _threads.set(1)
    try:
        yield
    finally:
        _threads.reset(token)


@functools.cache
def _controller() -> ThreadpoolController:
    """The thread pools of BLAS in this process; finding them takes a few milliseconds."""
    return ThreadpoolController().select(user_api="blas")


def in_order(work: Callable[[int], Any], count: int, collect: Callable[[Any], None]) -> None:
    """Call ``collect(work(i))`` for i from 0 to ``count - 1``, in this order.

    Where blocks share cores several ``work(i)`` run at once, each in the context of the caller
    (NumPy's error state is part of it); ``collect`` never does. The first exception ends all and is
    raised here.
    """
    threads = min(_threads.get() or 1, count)
    if threads <= 1:
        for i in range(count):
            collect(work(i))
        return
    line, crew = _Line(work, count, collect), _crew.get() or _Crew()
    done = crew.begin(line.serve, threads - 1)
    line.serve()
    for _ in range(threads - 1):
        done.get()
    if crew is not _crew.get():
        crew.dismiss()
    if line.failure is not None:
        raise line.failure


class _Crew:
    """Threads beside the one that asks; started when first needed, and gone once dismissed."""

    def __init__(self) -> None:
        self._members: list[threading.Thread] = []
        self._orders: queue.SimpleQueue[Callable[[], Any] | None] = queue.SimpleQueue()

    def begin(self, serve: Callable[[], None], count: int) -> queue.SimpleQueue[None]:
        """Have ``serve()`` called by so many threads, each in a copy of the caller's context.

        Each puts an entry into what is returned once it is done.
        """
        done: queue.SimpleQueue[None] = queue.SimpleQueue()
        for _ in range(count - len(self._members)):
            self._members.append(threading.Thread(target=self._follow, daemon=True))
            self._members[-1].start()
        for _ in range(count):
            context = contextvars.copy_context()
            context.run(_threads.set, 1)  # what they call does not ask for this crew again
            self._orders.put(functools.partial(context.run, _and_say_so, serve, done))
        return done

    def dismiss(self) -> None:
        """End the threads."""
        for _ in self._members:
            self._orders.put(None)
        for member in self._members:
            member.join()
        self._members.clear()

    def _follow(self) -> None:
        while (order := self._orders.get()) is not None:
            order()
            del order  # it refers to data, and the next may be long in coming


def _and_say_so(serve: Callable[[], None], done: queue.SimpleQueue[None]) -> None:
    serve()
    done.put(None)


class _Line:
    """Tasks that several threads take one by one, and results that leave in order."""

    def __init__(self, work: Callable[[int], Any], count: int, collect: Callable[[Any], None]):
        self.work = work
        self.count = count
        self.collect = collect
        self.lock = threading.Lock()
        self.taken = 0
        self.collected = 0
        self.ready: dict[int, Any] = {}
        self.failure: BaseException | None = None

    def serve(self) -> None:
        """Work until no task is left."""
        while True:
            with self.lock:
                i = self.taken
                if i == self.count or self.failure is not None:
                    return
                self.taken += 1
            try:
                part = self.work(i)
                with self.lock:
                    self.ready[i] = part
                    while self.collected in self.ready:
                        self.collect(self.ready.pop(self.collected))
                        self.collected += 1
            except BaseException as error:
                self.failure = error
                return
