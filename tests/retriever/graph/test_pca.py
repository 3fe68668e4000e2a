"""PCA: the plane is that of numpy's SVD of centred data, deterministic, and defined for any vectors."""

import numpy as np
import pytest

from retriever.graph.pca import fit_plane


def spread(n, dim, seed=0):
    """Return vectors with clearly ordered variances, away from the origin, rotated at random."""
    rng = np.random.default_rng(seed)
    turned, _ = np.linalg.qr(rng.normal(size=(dim, dim)))
    return ((rng.normal(size=(n, dim)) * np.linspace(3, 0.2, dim)) @ turned + 5).astype(np.float32)


@pytest.mark.parametrize(("n", "dim"), [(200, 12), (50, 2), (30, 40), (3, 7)])
def test_positions_are_the_first_two_principal_components(n, dim):
    vectors = spread(n, dim)
    before, plane = vectors.copy(), fit_plane(vectors)
    left, values, _ = np.linalg.svd(vectors - vectors.mean(axis=0, dtype=np.float64), full_matrices=False)
    places = plane.project(vectors)
    assert (places.shape, places.dtype) == ((n, 2), np.float32)
    expected = left[:, :2] * values[:2]
    np.testing.assert_allclose(places, expected * np.sign((expected * places).sum(axis=0)), atol=2e-4)
    assert plane.share == pytest.approx((values[:2] ** 2).sum() / (values**2).sum(), abs=1e-5)
    assert all(axis[np.abs(axis).argmax()] > 0 for axis in plane.axes), "the sign is fixed"
    np.testing.assert_array_equal(fit_plane(vectors).axes, plane.axes)
    np.testing.assert_array_equal(vectors, before)
    moved = plane.centre + 2 * plane.axes[0] - 3 * plane.axes[1]
    np.testing.assert_allclose(plane.project(moved[None, :]), [[2, -3]], atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8), (2, 8), (1, 1), (5, 1), (2, 2)])
def test_fewer_than_two_vectors_or_dimensions_are_no_crash(shape):
    vectors = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    plane = fit_plane(vectors)
    places = plane.project(vectors)
    assert places.shape == (shape[0], 2)
    assert np.isfinite(places).all()
    assert 0 <= plane.share <= 1
    if shape == (5, 1):
        np.testing.assert_allclose(np.abs(places[:, 0]), np.abs(vectors[:, 0] - vectors.mean()), atol=1e-6)
        assert not places[:, 1].any()
        assert plane.share == pytest.approx(1)


@pytest.mark.parametrize("value", [0, 1000.3])
def test_equal_vectors_stand_on_one_spot(value):
    vectors = np.full((40, 8), value, np.float32)
    plane = fit_plane(vectors)
    np.testing.assert_allclose(plane.project(vectors), 0, atol=1e-3)
    assert 0 <= plane.share <= 1


def test_of_many_vectors_every_so_many_are_looked_at_and_all_are_placed(monkeypatch):
    vectors = spread(1000, 6)
    monkeypatch.setattr("retriever.graph.pca.FITTED_VECTORS", 100)
    plane, by_hand = fit_plane(vectors), vectors[::10].astype(np.float64)
    _, _, axes = np.linalg.svd(by_hand - by_hand.mean(axis=0))
    np.testing.assert_allclose(np.abs((plane.axes * axes[:2]).sum(axis=1)), 1, atol=1e-4)
    assert plane.project(vectors).shape == (1000, 2)
