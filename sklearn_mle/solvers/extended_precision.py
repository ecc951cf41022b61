"""Sums and products to twice the working precision, from ordinary double precision.

Residuals of an accurate fit are small differences of large terms; refinement gains digits only if
they are computed with more. Two tools suffice, and neither needs hardware beyond IEEE doubles:

*Error-free sums* (Knuth 1969; Ogita, Rump and Oishi 2005, algorithm Sum2): ``a + b`` equals
``s + e`` exactly with ``s = fl(a + b)`` and e from six additions.

*Error-free products by slices* (Ozaki, Ogita, Oishi and Rump 2012): numbers in [-1, 1] are cut into
slices, the first a multiple of ``2**-k``, the second of ``2**-2k``, the third the rest. A sum of K
products of the first two slices is a multiple of ``2**-4k`` at most that is too short to round
when ``2 k + log2(K) <= 53``, in any order: BLAS computes it exactly. The products with the rest do
round, but they are smaller by ``2**-2k``, so that the whole is good to ``2**-(53 + 2 k)``: 27
digits for blocks of ten thousand rows, more for shorter ones, relative to the largest term.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from sklearn_mle.rows.matrix import Matrix, column_sizes, entries, per_column, with_entries
from sklearn_mle.rows.rows import FloatArray

VELTKAMP = 2.0**27 + 1.0
"""Cuts a double into two halves of 26 bits (Dekker 1971)."""


@dataclass(frozen=True)
class Extended:
    """Unevaluated sums ``hi + lo`` of two doubles, with about 32 digits.

    Parameters
    ----------
    hi, lo : ndarray of one shape, or floats
        ``hi`` is the value rounded to a double.
    """

    hi: Any
    lo: Any

    def __add__(self, other: Extended) -> Extended:
        return sum_of([self.hi, other.hi], self.lo + other.lo)

    def __neg__(self) -> Extended:
        return Extended(-self.hi, -self.lo)


def exactly(values: Any) -> Extended:
    """Doubles as extended numbers."""
    return Extended(values, values * 0.0)


def two_sum(a: Any, b: Any) -> tuple[Any, Any]:
    """``fl(a + b)`` and its rounding error (Knuth 1969)."""
    s = a + b
    t = s - a
    return s, (a - (s - t)) + (b - t)


def two_product(a: Any, b: Any) -> tuple[Any, Any]:
    """``fl(a * b)`` and its rounding error (Dekker 1971)."""
    p = a * b
    c, d = VELTKAMP * a, VELTKAMP * b
    a1, b1 = c - (c - a), d - (d - b)
    a2, b2 = a - a1, b - b1
    return p, a2 * b2 - (((p - a1 * b1) - a2 * b1) - a1 * b2)


def product(a: Any, b: Extended) -> Extended:
    """``a * b`` for doubles a, elementwise."""
    p, error = two_product(a, b.hi)
    return sum_of([p], error + a * b.lo)


def sum_of(terms: list[Any], rest: Any = 0.0) -> Extended:
    """The sum of the terms, and of a rest so small that its rounding does not matter."""
    s = terms[0]
    for term in terms[1:]:
        s, error = two_sum(s, term)
        rest = rest + error
    return Extended(*two_sum(s, rest))


def dot(a: FloatArray, b: Extended) -> Extended:
    """``a @ b`` for short vectors (Ogita, Rump and Oishi 2005, algorithm Dot2, by exact sums)."""
    p, errors = two_product(a, b.hi)
    errors = errors + a * b.lo
    hi = math.fsum([*p, *errors])
    return Extended(hi, math.fsum([*p, *errors, -hi]))


@dataclass(frozen=True)
class Slices:
    """A matrix as ``(first + second + rest) * 2**exponent``, columnwise.

    Parameters
    ----------
    first, second, rest : ndarray or csr_array of shape (m, p)
        Entries of at most 1, ``2**-k`` and ``2**-2k``.
    exponent : ndarray of shape (p,), integers
    bits : int
        The k of the module's docstring.
    """

    first: Matrix
    second: Matrix
    rest: Matrix
    exponent: Any
    bits: int

    def times(self, v: Extended) -> list[Any]:
        """Terms whose sum is the matrix times v of shape (p,); each of shape (m,)."""
        v = Extended(np.ldexp(v.hi, self.exponent), np.ldexp(v.lo, self.exponent))
        columns, exponent = _columns(v, self.bits)
        products = [part @ columns for part in (self.first, self.second, self.rest)]
        return [np.ldexp(term, exponent) for term in _terms(products)]

    def transposed_times(self, v: Extended) -> Extended:
        """The transposed matrix times v of shape (m,); shape (p,)."""
        columns, exponent = _columns(v, self.bits)
        products = [part.T @ columns for part in (self.first, self.second, self.rest)]
        return sum_of([np.ldexp(term, self.exponent + exponent) for term in _terms(products)])


def residuals(X: Slices, y: FloatArray, coef: Extended, intercept: Extended) -> Extended:
    """``y - intercept - X @ coef`` of a sliced matrix, shape (m,)."""
    terms = [-term for term in X.times(coef)]
    return sum_of([y, -intercept.hi * np.ones_like(y), *terms[:3]], terms[3] - intercept.lo)


def slices(X: Matrix) -> Slices:
    """Cut a matrix into slices that suit products with it and with its transpose."""
    bits = (51 - math.ceil(math.log2(max(2, *X.shape)))) // 2
    exponent = np.frexp(column_sizes(X))[1]
    rest = entries(X) * per_column(X, np.ldexp(1.0, -exponent))
    first = leading(rest, bits)
    rest -= first
    second = leading(rest, 2 * bits)
    rest -= second
    first, second, rest = (with_entries(X, values) for values in (first, second, rest))
    return Slices(first, second, rest, exponent, bits)


def total_of(v: Extended) -> Extended:
    """The sum of the entries of v of shape (m,)."""
    bits = (51 - math.ceil(math.log2(max(2, v.hi.shape[0])))) // 2
    columns, exponent = _columns(v, bits)
    first, second, *rest = np.ldexp(columns.sum(axis=0), exponent)
    return sum_of([first, second], sum(rest))


def leading(values: FloatArray, bits: int) -> FloatArray:
    """Values in [-1, 1] rounded to multiples of ``2**-bits``.

    Next to ``1.5 * 2**(52 - bits)`` doubles are that far apart.
    """
    large = 1.5 * 2.0 ** (52 - bits)
    lead = values + large
    lead -= large
    return lead


def _columns(v: Extended, bits: int) -> tuple[FloatArray, int]:
    """v over a power of two, as four columns: two slices, the rest of hi, and lo."""
    exponent = int(np.frexp(np.abs(v.hi).max(initial=0.0))[1])
    hi = np.ldexp(v.hi, -exponent)
    first = leading(hi, bits)
    hi = hi - first
    second = leading(hi, 2 * bits)
    columns = np.empty((hi.shape[0], 4), order="F")
    columns[:, 0], columns[:, 1], columns[:, 2] = first, second, hi - second
    columns[:, 3] = np.ldexp(v.lo, -exponent)
    return columns, exponent


def _terms(products: list[FloatArray]) -> list[FloatArray]:
    """Products of slices as four terms: three exact, and the small ones in one."""
    a, b, c = products
    small = (a[:, 2] + b[:, 1] + c[:, 0]) + (a[:, 3] + b[:, 2] + c[:, 1])
    return [a[:, 0], a[:, 1], b[:, 0], small + (b[:, 3] + c[:, 2])]
