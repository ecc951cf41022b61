"""Sparse rows with normal entries at random places."""

from scipy import sparse


def scattered(n, p, density, rng):
    """About ``n * p * density`` entries, as a csr_array."""
    size = rng.poisson(n * p * density)
    places = rng.integers(0, n, size), rng.integers(0, p, size)
    return sparse.csr_array(sparse.coo_array((rng.normal(size=size), places), shape=(n, p)))
