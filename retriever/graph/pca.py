"""Projection of vectors onto the plane of their first two principal components, for drawing.

The plane preserves as much variance as two directions can, which for text is little: vectors near on the plane need
not be near in all dimensions, so every figure is accompanied by distances as numbers.
"""

from dataclasses import dataclass

import numpy as np

from retriever.vectors import Float32

FITTED_VECTORS = 20_000  # of more, every (n // 20,000)-th vector is used


@dataclass(frozen=True, eq=False)
class PrincipalPlane:
    """The plane of two principal components.

    centre: (dim,) mean. axes: (2, dim) directions. share: the fraction of the variance on the plane, in [0, 1].
    """

    centre: Float32
    axes: Float32
    share: float

    def project(self, vectors: Float32) -> Float32:
        """Return the coordinates of vectors (n, dim) on the plane, (n, 2)."""
        return ((vectors - self.centre) @ self.axes.T).astype(np.float32)


def fit_plane(vectors: Float32) -> PrincipalPlane:
    """Return the plane of the first two principal components of vectors (n, dim); deterministic."""
    sample = vectors[:: max(1, len(vectors) // FITTED_VECTORS)]
    centre = sample.mean(axis=0)
    covariance = np.cov(sample.T, bias=True).reshape(sample.shape[1], sample.shape[1])  # (dim, dim)
    variances, directions = np.linalg.eigh(covariance)  # ascending
    axes: Float32 = np.zeros((2, sample.shape[1]), np.float32)
    axes[: min(2, len(variances))] = directions.T[::-1][:2].astype(np.float32)
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]  # (2,)
    axes[largest < 0] *= -1  # a component's sign is arbitrary: its largest entry is made positive
    share = float(variances[::-1][:2].sum() / max(variances.sum(), 1e-12))
    return PrincipalPlane(centre.astype(np.float32), axes.astype(np.float32), min(max(share, 0.0), 1.0))
