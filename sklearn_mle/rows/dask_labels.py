"""Chunks with labels for y, which become codes that are held beside them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_mle.rows import chunk
from sklearn_mle.rows.chunk import Recipe
from sklearn_mle.rows.dask_graph import persisted, task_name
from sklearn_mle.rows.dask_rows import Chunks, DaskRows, Passes
from sklearn_mle.rows.survey import Survey


@dataclass(frozen=True)
class LabelledChunks:
    """Surveyed chunks with labels for y.

    Parameters
    ----------
    classes, mass : ndarray of shape (k,)
        Labels of rows of positive weight, sorted, and their total weights.
    """

    classes: NDArray[Any]
    mass: NDArray[np.float64]
    chunks: Chunks
    recipe: Recipe
    found: Survey
    passes: Passes

    def once(self) -> DaskRows:
        """Rows with codes, each row of positive weight once."""
        recipe = replace(self.recipe, labels=False, once=True)
        return self._coded(recipe, float(sum(self.found.present)))

    def rows(self, factors: NDArray[np.float64]) -> DaskRows:
        """Rows with codes of the classes for y, held with the chunks.

        Parameters
        ----------
        factors : ndarray of shape (k,)
            On the weights of each class.
        """
        plain = bool(np.all(factors == 1.0))
        recipe = replace(self.recipe, labels=False, factors=None if plain else factors)
        return self._coded(recipe, float(factors @ self.mass))

    def _coded(self, recipe: Recipe, weight: float) -> DaskRows:
        chunks, found = coded(self.chunks, self.classes), self.found
        return DaskRows(chunks, recipe, found.present, weight, found.sizes, self.passes)


def coded(chunks: Chunks, classes: NDArray[Any]) -> Chunks:
    """The same with codes of the classes for y, held with the chunks."""
    name = task_name("codes")
    graph = dict(chunks.graph)
    keys = [(name, i) for i in range(len(chunks.y))]
    for key, labels in zip(keys, chunks.y):
        graph[key] = (partial(chunk.codes, classes), labels)
    made = persisted(graph, keys)[0]
    return replace(chunks, graph={**chunks.graph, **made.graph}, y=made.keys)
