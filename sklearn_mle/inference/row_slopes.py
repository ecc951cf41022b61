"""What the slopes of the rows add up to: the meat of sandwiches.

A pass over the rows meets their columns three times, for the scores, for the leverages and for the
products of columns times slopes. What is one number a row is made for a whole block, as threads
wait for the interpreter between short calls; products for as many rows as stay near.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.inference.gradient_squares import gradient_squares
from sklearn_mle.inference.group_squares import GroupSquares, by_group, in_order
from sklearn_mle.inference.group_sums import GroupSums
from sklearn_mle.inference.leverage import Leverages, decides_alone, relieved
from sklearn_mle.inference.valley import Valley
from sklearn_mle.noises.noise import FloatArray
from sklearn_mle.rows.gathered import Gathered
from sklearn_mle.rows.implicit_design import Design
from sklearn_mle.rows.in_memory import InMemoryRows
from sklearn_mle.rows.rows import Block, Rows

SCATTERED = 2**15
"""Groups above which rows in no order are gathered by group rather than added to a table."""
PIECE_BYTES = 2**21
"""Size of the columns times slopes that are written at a time."""


def squared_slopes(valley: Valley, cov: str, bread: FloatArray) -> tuple[FloatArray, float]:
    """``sum w g g'`` of the rows' gradients g in theta, corrected for leverage where asked.

    NaN where that is undefined, as a row decides a coefficient alone. And the cost at the bottom.

    Parameters
    ----------
    valley : Valley
    cov : str
        "HC2" and "HC3" ask for the correction.
    bread : ndarray of shape (size, size)
        The inverse information.
    """
    J = valley.mixing()
    leverages = Leverages.of(valley, bread) if cov in ("HC2", "HC3") else None

    def per_block(block: Block) -> tuple[FloatArray, float, int]:
        D = valley.terms.columns(block.X)
        scores = valley.scores(D, valley.bottom)
        cost, g, e = valley.slopes(block, scores)
        curvature = None if leverages is None else leverages.curvature(block.y, scores)
        squares: FloatArray | float = 0.0
        alone = 0
        for some in _pieces(valley, D):
            near, of_score = D[some], g[some]
            if leverages is not None and curvature is not None:
                h = leverages(near, curvature[some])
                without = decides_alone(h)
                if without is not None:
                    h[without] = 0.0
                    alone += int(np.count_nonzero(without))
                of_score = relieved(of_score, h, cov == "HC3")
            weight = None if block.weight is None else block.weight[some]
            squares = squares + gradient_squares(valley, weight, near, of_score, e[some])
        return np.asarray(squares), float(block.weigh(cost).sum()), alone

    meat, cost, alone = _in_long_blocks(valley).total(per_block)
    if alone:
        meat = np.full_like(meat, np.nan)
    order = valley.order_of_sums()
    return np.asarray(J.T @ meat[np.ix_(order, order)] @ J), float(cost)


def _pieces(valley: Valley, D: Design) -> list[slice]:
    """Rows of a block whose columns times slopes stay near; sparse ones are never written out."""
    m, numbers = D.shape[0], valley.costs.n_scores * D.shape[1]
    if not isinstance(D, np.ndarray):
        return [slice(0, m)]
    step = max(PIECE_BYTES // (8 * max(1, numbers)), numbers)
    count = max(1, round(m / step))
    return [slice(i * m // count, (i + 1) * m // count) for i in range(count)]


def _in_long_blocks(valley: Valley) -> Rows:
    """The rows in long blocks, unless a row has a matrix of scores."""
    return valley.rows if valley.costs.n_scores > 1 else valley.rows.in_long_blocks()


def squared_slopes_of_groups(
    valley: Valley, groups: NDArray[np.intp], count: int
) -> tuple[FloatArray, float]:
    """The same of gradients that are summed over each of the groups 0 .. count - 1."""
    J, order = valley.mixing(), valley.order_of_sums()
    rows, ordered = _in_long_blocks(valley), in_order(groups)
    if not ordered and count > SCATTERED and isinstance(valley.rows, InMemoryRows):
        places, groups = by_group(groups, count)
        rows, ordered = Gathered(valley.rows, places), True

    def per_block(block: Block, codes: NDArray[np.intp]) -> tuple[GroupSquares | GroupSums, float]:
        D = valley.terms.columns(block.X)
        cost, g, e = map(block.weigh, valley.slopes(block, valley.scores(D, valley.bottom)))
        beside = np.column_stack([g, e]) if valley.terms.intercept else e
        if ordered:
            return GroupSquares.of(codes, D, g, beside), float(cost.sum())
        return GroupSums.of(codes, D, g, beside, count), float(cost.sum())

    of_groups, cost = rows.total(per_block, groups)
    if ordered:
        return np.asarray(J.T @ of_groups.whole()[np.ix_(order, order)] @ J), float(cost)
    sums = of_groups.whole()[:, order] @ J
    return np.asarray(sums.T @ sums), float(cost)
