"""Labels become codes, whole numbers near each other by a table and all others by sorting."""

import numpy as np
import pytest

from sklearn_mle.estimators.labels import _sorted, labelled
from sklearn_mle.rows import survey
from sklearn_mle.rows.chunk import Recipe, codes
from sklearn_mle.rows.label_counts import SHORT, counted

RNG = np.random.default_rng(0)
LABELS = {
    "bool": RNG.random(300) < 0.3,
    "int8": RNG.choice(np.array([-128, -3, 127], dtype=np.int8), 300),
    "int64": RNG.choice(np.array([2**62, 2**62 + 7]), 300),
    "negative": RNG.integers(-5, 3, 300),
    "uint8": RNG.choice(np.array([0, 255], dtype=np.uint8), 300),
    "uint64": RNG.choice(np.array([2**64 - 9, 2**64 - 1], dtype=np.uint64), 300),
    "one": np.full(300, 7),
    "float64": RNG.choice(np.array([-2.0, 0.0, 5.0]), 300),
    "float32": RNG.choice(np.array([1.0, 2.0], dtype=np.float32), 300),
    "far float64": RNG.choice(np.array([2.0**52, 2.0**52 + 1.0]), 300),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_a_table_gives_what_sorting_gives(kind, weighted):
    labels = LABELS[kind]
    weight = RNG.integers(0, 3, labels.size) * (labels != labels[0]) * 1.0 if weighted else None
    if weighted:
        weight[labels == labels[-1]] = 2.0
    (classes, codes, mass), expected = counted(labels, weight), _sorted(labels, weight)
    there = slice(None) if weight is None else weight > 0.0
    np.testing.assert_array_equal(classes, expected[0], strict=True)
    np.testing.assert_array_equal(codes[there], expected[1][there], strict=True)
    np.testing.assert_array_equal(mass, expected[2], strict=True)
    assert codes.min() >= 0
    assert codes.max() < classes.size


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_chunks_are_counted_alike_and_not_sorted(kind, weighted, monkeypatch):
    labels = LABELS[kind]
    weight = RNG.integers(0, 3, labels.size) * 1.0 if weighted else None
    expected = _sorted(labels, weight)

    def sorts(*_, **__):
        raise AssertionError

    monkeypatch.setattr(survey.np, "unique", sorts)
    recipe = Recipe(None, 1, labels=True)
    found = survey.survey(recipe, 0, None, np.ones((300, 1)), labels, weight)
    assert not found.faults
    np.testing.assert_array_equal(found.classes, expected[0], strict=True)
    np.testing.assert_array_equal(found.mass, expected[2], strict=True)
    there = slice(None) if weight is None else weight > 0.0
    np.testing.assert_array_equal(codes(found.classes, labels)[there], expected[1][there])


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.5, 2.0**60])
def test_numbers_that_are_not_whole_are_not_counted(wrong):
    assert counted(np.array([0.0, wrong]), None) is None
    assert counted(np.array([wrong, wrong]), None) is None


@pytest.mark.parametrize(
    "labels", [np.array(["b", "a"]), np.array([0, SHORT]), np.array([0.0, SHORT])]
)
def test_others_are_sorted(labels):
    assert counted(labels, None) is None
    np.testing.assert_array_equal(labelled(None, labels, None).classes, np.unique(labels))
