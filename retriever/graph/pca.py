"""A plane to draw vectors on: their first two principal components.

It keeps as much of the spread as two directions can, which for text is little: what is near on the plane need not be
near in all dimensions, so distances are told as numbers beside every picture.
"""

from dataclasses import dataclass

import numpy as np

from retriever.vectors import Float32

FITTED_VECTORS = 20_000  # vectors the directions are found from


@dataclass(frozen=True, eq=False)
class PrincipalPlane:
    """Hold the centre (dim,) and two directions (2, dim); share: of the variance the plane shows, in [0, 1]."""

    centre: Float32
    axes: Float32
    share: float

    def project(self, vectors: Float32) -> Float32:
        """Return where vectors (n, dim) stand on the plane, (n, 2)."""
        return ((vectors - self.centre) @ self.axes.T).astype(np.float32)


def fit_plane(vectors: Float32) -> PrincipalPlane:
    """Return the plane of the first two principal components of vectors (n, dim), the same each time."""
    part = vectors[:: max(1, len(vectors) // FITTED_VECTORS)]
    centre = part.mean(axis=0)
    spread = np.cov(part.T, bias=True).reshape(part.shape[1], part.shape[1])  # (dim, dim)
    variances, directions = np.linalg.eigh(spread)  # ascending
    axes: Float32 = np.zeros((2, part.shape[1]), np.float32)
    axes[: min(2, len(variances))] = directions.T[::-1][:2].astype(np.float32)
    largest = axes[np.arange(2), np.abs(axes).argmax(axis=1)]  # (2,)
    axes[largest < 0] *= -1  # a direction's sign is arbitrary: its largest part is made positive
    share = float(variances[::-1][:2].sum() / max(variances.sum(), 1e-12))
    return PrincipalPlane(centre.astype(np.float32), axes.astype(np.float32), min(max(share, 0.0), 1.0))
