"""Which columns depend on others, where a Gram matrix can tell.

Cholesky with pivoting of the Gram matrix of scaled columns takes them in the order of QR with
pivoting, at a small share of its cost on many rows, but tells a column that depends on the others
from one that nearly does only half as sharply. So the columns that it leaves out are written as
combinations of the others, and what these leave of them is computed from the rows: that length is
what QR would have found on its diagonal. Where it is not nothing, or the columns that are kept
nearly depend on each other, QR decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.linalg.lapack import dpstrf

from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.implicit_design import Design

CLEAR = 1e-10
"""Square of what is left of a column of length one, below which it is left out."""
PIECE_BYTES = 2**22
"""Size of what is left of some rows of all columns left out."""


@dataclass(frozen=True)
class Dependence:
    """Columns that are kept, and what the others are made of.

    Parameters
    ----------
    kept, dropped : ndarray of shape (r,) and (p - r,)
    relation : ndarray of shape (r, p - r)
        Scaled dropped columns are those kept times this.
    condition : float
        Ratio of the extreme pivots of those kept.
    """

    kept: NDArray[np.intp]
    dropped: NDArray[np.intp]
    relation: FloatArray
    condition: float


def seen_in_gram(
    Z: Design, correlation: FloatArray, spread: FloatArray, nothing: float, worst: float
) -> Dependence | None:
    """The dependence of scaled columns, or None where their Gram matrix cannot tell.

    Parameters
    ----------
    Z : Design of shape (m, p)
        Columns, not yet divided by their spread.
    correlation : ndarray of shape (p, p)
        The Gram matrix of the scaled columns; zero where a column is nothing.
    spread : ndarray of shape (p,)
    nothing : float
        Length of what is left of a column of length one that counts as nothing.
    worst : float
        Condition beyond which QR is asked.
    """
    factor, pivots, rank, _ = dpstrf(correlation, tol=CLEAR, lower=True)
    if rank == 0:
        return None
    order = pivots.astype(np.intp) - 1
    diagonal = factor.diagonal()[:rank]
    condition = float(diagonal[0] / diagonal[-1])
    if condition > worst or diagonal[-1] < 0.5 / worst:
        return None
    L = np.tril(factor[:rank, :rank])
    kept, dropped = order[:rank], order[rank:]
    relation = solve_triangular(L, factor[rank:, :rank].T, lower=True, trans="T")
    scaled = np.where(correlation.diagonal() > 0.0, 1.0 / spread, 0.0)
    for _ in range(2):
        back, squares = _left_over(Z, kept, dropped, relation, scaled)
        if np.all(squares <= nothing**2):
            where = np.argsort(kept)
            return Dependence(kept[where], dropped, relation[where], condition)
        half = solve_triangular(L, back[kept], lower=True)
        relation = relation + solve_triangular(L, half, lower=True, trans="T")
    return None


def _left_over(
    Z: Design,
    kept: NDArray[np.intp],
    dropped: NDArray[np.intp],
    relation: FloatArray,
    scaled: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """What is left of the dropped columns: times all scaled columns, and its squares."""
    made = np.zeros((scaled.shape[0], dropped.shape[0]))
    made[kept] = -relation
    made[dropped, np.arange(dropped.shape[0])] = 1.0
    made *= scaled[:, None]
    back, squares = np.zeros_like(made), np.zeros(dropped.shape[0])
    step = max(1, PIECE_BYTES // (8 * max(1, dropped.shape[0])))
    for first in range(0, Z.shape[0], step):
        part = Z[first : first + step]
        left = part @ made
        squares += np.einsum("ij,ij->j", left, left)
        back += part.T @ left
    return back * scaled[:, None], squares
