"""Products of matrices to twice the working precision, by BLAS.

Each column, over a power of two, is cut into three slices, multiples of ``2**-k``, ``2**-2k`` and
``2**-3k`` of at most k bits, and a rest that is smaller than the last. Sums of m products of two
slices are too short to round when ``2 k + log2(m) <= 53`` (Ozaki, Ogita, Oishi and Rump 2012), so
that one product of all slices beside each other is exact but for what the rests take part in. Each
entry of the result is good to about ``2**-105`` of the product of the largest entries of its two
columns.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sklearn_mle.rows.rows import FloatArray
from sklearn_mle.solvers.extended_precision import Extended, leading, sum_of, two_product, two_sum

SLICES = 3


def cross(A: Extended, B: Extended) -> Extended:
    """``A' B`` for A of shape (m, a) and B of shape (m, b)."""
    m, a = A.hi.shape
    b = B.hi.shape[1]
    bits = (53 - math.ceil(math.log2(max(2, m)))) // 2
    left, left_exponent = _side_by_side(A, bits)
    right, right_exponent = (left, left_exponent) if B is A else _side_by_side(B, bits)
    parts = (left.T @ right).reshape(SLICES + 1, a, SLICES + 1, b)
    exact = [parts[i, :, j] for i in range(SLICES) for j in range(SLICES)]
    small = parts[SLICES].sum(axis=1) + parts[:SLICES, :, SLICES].sum(axis=0)
    total = sum_of(exact, small)
    exponent = np.add.outer(left_exponent, right_exponent)
    return Extended(np.ldexp(total.hi, exponent), np.ldexp(total.lo, exponent))


def _side_by_side(A: Extended, bits: int) -> tuple[FloatArray, Any]:
    """Slices and rest, shape (m, 4 a), and the exponents that were taken out, shape (a,)."""
    m, a = A.hi.shape
    exponent = np.frexp(np.abs(A.hi).max(axis=0, initial=0.0))[1]
    rest = np.ldexp(A.hi, -exponent)
    made = np.empty((m, SLICES + 1, a))
    for i in range(SLICES):
        made[:, i] = leading(rest, (i + 1) * bits)
        rest -= made[:, i]
    np.add(rest, np.ldexp(A.lo, -exponent), out=made[:, SLICES])
    return made.reshape(m, -1), exponent


def times(a: Extended, b: Extended) -> Extended:
    """``a * b``, entry by entry."""
    p, error = two_product(a.hi, b.hi)
    return sum_of([p], error + (a.hi * b.lo + a.lo * b.hi))


def over(a: Extended, b: Extended) -> Extended:
    """``a / b``, entry by entry."""
    first = a.hi / b.hi
    left = a + -times(Extended(first, 0.0 * first), b)
    return Extended(*two_sum(first, left.hi / b.hi))


def row_sums(A: Extended) -> Extended:
    """Sums over the last axis, by halves."""
    hi, error = A.hi, A.lo.sum(axis=-1)
    while hi.shape[-1] > 1:
        half = hi.shape[-1] // 2
        odd = hi[..., 2 * half :]
        hi, lost = two_sum(hi[..., :half], hi[..., half : 2 * half])
        error = error + lost.sum(axis=-1)
        hi = np.concatenate([hi, odd], axis=-1)
    return Extended(*two_sum(hi[..., 0], error))
