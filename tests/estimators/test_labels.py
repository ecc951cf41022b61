"""Labels become codes, whole numbers near each other by a table and all others by sorting."""

import numpy as np
import pytest

from sklearn_mle.estimators.labels import SHORT, _counted, _sorted, labelled

RNG = np.random.default_rng(0)
LABELS = {
    "bool": RNG.random(300) < 0.3,
    "int8": RNG.choice(np.array([-128, -3, 127], dtype=np.int8), 300),
    "int64": RNG.choice(np.array([2**62, 2**62 + 7]), 300),
    "negative": RNG.integers(-5, 3, 300),
    "uint8": RNG.choice(np.array([0, 255], dtype=np.uint8), 300),
    "uint64": RNG.choice(np.array([2**64 - 9, 2**64 - 1], dtype=np.uint64), 300),
    "one": np.full(300, 7),
}


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("kind", LABELS)
def test_a_table_gives_what_sorting_gives(kind, weighted):
    labels = LABELS[kind]
    weight = RNG.integers(0, 3, labels.size) * (labels != labels[0]) * 1.0 if weighted else None
    if weighted:
        weight[labels == labels[-1]] = 2.0
    (classes, codes, mass), expected = _counted(labels, weight), _sorted(labels, weight)
    there = slice(None) if weight is None else weight > 0.0
    np.testing.assert_array_equal(classes, expected[0], strict=True)
    np.testing.assert_array_equal(codes[there], expected[1][there], strict=True)
    np.testing.assert_array_equal(mass, expected[2], strict=True)
    assert codes.min() >= 0
    assert codes.max() < classes.size


@pytest.mark.parametrize("labels", [np.array(["b", "a"]), np.array([0, SHORT]), np.array([0.0])])
def test_others_are_sorted(labels):
    assert _counted(labels, None) is None
    np.testing.assert_array_equal(labelled(None, labels, None).classes, np.unique(labels))
