"""The contract of both indexes, and that of exact search, checked against brute force in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retriever.errors import ParameterError, VectorError
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex, top_ids
from retriever.indexes.hnsw import HNSWIndex
from retriever.vectors import check_vectors, normalize

WIDE = {"exact": (ExactIndex, {}), "hnsw": (HNSWIndex, {"ef": 500})}  # an ef that covers every collection below
BAD_COUNTS = [0, -1, 1.5, True, None, "3", np.nan, np.float64(3), [3]]


class Kind:
    """One of the two indexes, with one interface for both."""

    def __init__(self, name):
        self.name = name
        self.build, self.options = WIDE[name]

    def search(self, index, queries, k):
        return index.search(queries, k, **self.options)


@pytest.fixture(params=WIDE)
def kind(request):
    return Kind(request.param)


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def unit64(vectors):
    vectors = np.asarray(vectors, np.float64)
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, norms, out=np.zeros_like(vectors), where=norms > 0)


def true_scores(vectors, queries):
    return unit64(queries) @ unit64(vectors).T  # (n_queries, n)


def true_neighbors(vectors, queries, k):
    """Return ids (n_queries, k) by full sorting in float64, equal scores by lower id, missing ones -1."""
    scores = true_scores(vectors, queries)
    ids = np.full((len(queries), k), -1)
    for row in range(len(queries)):
        order = sorted(range(len(vectors)), key=lambda number, row=row: (-scores[row, number], number))[:k]
        ids[row, : len(order)] = order
    return ids


def check_well_formed(found, vectors, queries, k):
    """Check what holds for any neighbours: shapes, order, empty places, and that scores are the true cosines."""
    assert found.ids.shape == found.scores.shape == (len(queries), k)
    assert found.ids.dtype == np.int64
    assert found.scores.dtype == np.float32
    scores = true_scores(vectors, queries) if len(vectors) else np.empty((len(queries), 0))
    for row in range(len(queries)):
        filled = found.ids[row] != NO_ID
        count = int(filled.sum())
        assert filled[:count].all(), "a gap before a neighbour"
        assert (found.scores[row, count:] == -np.inf).all()
        ids = found.ids[row, :count]
        assert len(set(ids.tolist())) == count
        assert ((ids >= 0) & (ids < len(vectors))).all()
        assert (np.diff(found.scores[row, :count]) <= 0).all()
        np.testing.assert_allclose(found.scores[row, :count], scores[row, ids], atol=2e-6)


# --- both indexes


@pytest.mark.parametrize("n", [0, 1, 2, 9, 10, 11, 300])
@pytest.mark.parametrize("n_queries", [0, 1, 3])
def test_neighbors_have_the_shape_asked_for_and_are_the_true_ones(kind, rng, n, n_queries):
    vectors, queries = rng.normal(size=(n, 12)), rng.normal(size=(n_queries, 12))
    index = kind.build(vectors)
    assert len(index) == n
    assert index.dimension == 12
    found = kind.search(index, queries, 10)
    check_well_formed(found, vectors, queries, 10)
    np.testing.assert_array_equal(found.ids, true_neighbors(vectors, queries, 10))


@pytest.mark.parametrize("k", [1, 40, 41, 1000, np.int64(5), np.uint8(5)])
def test_k_may_be_any_whole_number_and_exceed_the_collection(kind, rng, k):
    vectors, queries = rng.normal(size=(40, 6)), rng.normal(size=(2, 6))
    found = kind.search(kind.build(vectors), queries, k)
    check_well_formed(found, vectors, queries, int(k))
    assert ((found.ids != NO_ID).sum(axis=1) == min(k, 40)).all()


@pytest.mark.parametrize("k", BAD_COUNTS)
def test_a_bad_k_is_refused_by_name(kind, rng, k):
    index = kind.build(rng.normal(size=(5, 4)))
    with pytest.raises(ParameterError, match=r"^k is .*whole number from 1 to 100000"):
        kind.search(index, np.ones((1, 4)), k)
    with pytest.raises(ParameterError):  # also in an empty index
        kind.search(kind.build(np.empty((0, 4))), np.ones((1, 4)), k)


BAD_ARRAYS = {
    "one axis": np.ones(4),
    "three axes": np.ones((1, 1, 4)),
    "no axis": np.float32(1),
    "NaN": np.array([[1, np.nan, 0, 0]]),
    "infinity": np.array([[1, 0, -np.inf, 0]]),
    "beyond float32": np.array([[1e300, 0, 0, 0]]),
    "strings": np.array([["a", "b", "c", "d"]]),
    "numbers as strings": np.array([["1", "2", "3", "4"]]),
    "ragged": [[1, 2, 3, 4], [1, 2]],
    "booleans": np.ones((1, 4), bool),
    "complex": np.ones((1, 4), complex),
    "objects": np.array([[None, 1, 2, 3]]),
    "huge integers": [[10**400, 0, 0, 0]],
    "dates": np.zeros((1, 4), "datetime64[s]"),
    "nothing": None,
    "a list of nothing": [],
}


@pytest.mark.parametrize("bad", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_bad_queries_and_bad_vectors_are_refused_before_any_search(kind, bad):
    index = kind.build(np.eye(4))
    with pytest.raises(VectorError, match="queries"):
        kind.search(index, bad, 1)
    with pytest.raises(VectorError, match="vectors"):
        kind.build(bad)
    assert kind.search(index, np.eye(4), 1).ids.tolist() == [[0], [1], [2], [3]]  # and the index still works


@pytest.mark.parametrize("dimension", [0, 1, 3, 5, 400])
def test_queries_of_another_dimension_are_refused_with_both_named(kind, dimension):
    index = kind.build(np.eye(4))
    for n_queries in (0, 1, 2):
        with pytest.raises(VectorError, match=rf"{dimension} dimensions.* 4"):
            kind.search(index, np.ones((n_queries, dimension)), 1)


def test_vectors_without_dimensions_are_refused(kind):
    for n in (0, 3):
        with pytest.raises(VectorError, match="no dimensions"):
            kind.build(np.empty((n, 0)))


def test_the_first_bad_row_is_named(kind):
    vectors = np.ones((6, 3))
    vectors[4, 1] = np.inf
    with pytest.raises(VectorError, match="row 4"):
        kind.build(vectors)


def test_zero_vectors_and_zero_queries_score_zero(kind):
    vectors = np.vstack([np.zeros((2, 3)), np.eye(3)])
    found = kind.search(kind.build(vectors), np.vstack([np.zeros(3), [-1, 0, 0]]), 5)
    check_well_formed(found, vectors, np.vstack([np.zeros(3), [-1, 0, 0]]), 5)
    assert (found.scores[0] == 0).all()
    assert found.ids[1, 4] == 2  # the opposite vector comes after all that score 0
    assert found.scores[1, 4] == -1


def test_length_does_not_matter(kind, rng):
    vectors, queries = rng.normal(size=(60, 8)), rng.normal(size=(4, 8))
    lengths = 10.0 ** rng.integers(-30, 30, size=(60, 1))
    plain = kind.search(kind.build(vectors), queries, 7)
    scaled = kind.search(kind.build(vectors * lengths), queries * 1e-20, 7)
    np.testing.assert_array_equal(scaled.ids, plain.ids)
    np.testing.assert_allclose(scaled.scores, plain.scores, atol=1e-6)


def test_duplicates_are_all_found(kind):
    vectors = np.repeat(np.eye(4), 5, axis=0)  # rows 5, 6, 7, 8, 9 are the second axis
    found = kind.search(kind.build(vectors), np.eye(4)[1:2], 5)
    assert sorted(found.ids[0]) == [5, 6, 7, 8, 9]
    np.testing.assert_allclose(found.scores, 1, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.int8, np.uint32])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_real_type_and_memory_order_gives_the_same(kind, dtype, order):
    vectors = np.random.default_rng(3).integers(0, 5, size=(30, 6))
    vectors[:, 0] += 1  # so that no row is zero
    expected = true_neighbors(vectors, vectors[:3], 1)
    given_vectors = np.array(vectors, dtype=dtype, order=order)
    found = kind.search(kind.build(given_vectors), np.array(vectors[:3], dtype=dtype, order=order), 1)
    np.testing.assert_allclose(found.scores, 1, atol=1e-6)
    np.testing.assert_array_equal(found.ids, expected)


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_callers_arrays_are_neither_changed_nor_locked(kind, rng, scale, order):
    vectors = np.array(scale * unit64(rng.normal(size=(20, 5))), np.float32, order=order)
    queries = np.array(scale * unit64(rng.normal(size=(3, 5))), np.float32, order=order)
    before = vectors.copy(), queries.copy()
    kind.search(kind.build(vectors), queries, 4)
    np.testing.assert_array_equal(vectors, before[0])
    np.testing.assert_array_equal(queries, before[1])
    vectors[0, 0] = 9  # the caller may still write to it


def test_lists_are_taken_as_arrays(kind):
    assert kind.search(kind.build([[1, 0], [0, 1]]), [[0, 2]], 1).ids.tolist() == [[1]]


# --- exact search


@st.composite
def signs(draw):
    """Vectors of +1 and -1 in 16 dimensions: their cosines are sixteenths, exact in float32, with many ties."""
    n, n_queries = draw(st.integers(0, 40)), draw(st.integers(1, 4))
    rows = hnp.arrays(np.uint8, (n + n_queries, 2), elements=st.integers(0, 255))
    bits = np.unpackbits(draw(rows), axis=1)  # (n + n_queries, 16)
    vectors = bits * 2.0 - 1
    return vectors[:n], vectors[n:], draw(st.integers(1, 50))


@given(signs())
@settings(max_examples=150, deadline=None)
def test_exact_search_equals_brute_force_with_ties_by_lower_id(case):
    vectors, queries, k = case
    index = ExactIndex(vectors)
    found = index.search(queries, k)
    np.testing.assert_array_equal(found.ids, true_neighbors(vectors, queries, k))
    for row in range(len(queries)):  # one by one the same as in a batch
        single = index.search(queries[row : row + 1], k)
        np.testing.assert_array_equal(single.ids[0], found.ids[row])
        np.testing.assert_array_equal(single.scores[0], found.scores[row])


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 30), st.integers(1, 9)),
        elements=st.floats(-1e6, 1e6, width=32),
    ),
    st.integers(1, 12),
)
@settings(max_examples=100, deadline=None)
def test_exact_search_finds_the_k_best_scores_of_any_vectors(vectors, k):
    queries = vectors[:2]
    found = ExactIndex(vectors).search(queries, k)
    check_well_formed(found, vectors, queries, k)
    best = -np.sort(-true_scores(vectors, queries), axis=1)[:, :k]
    np.testing.assert_allclose(found.scores[:, : best.shape[1]], best, atol=2e-6)


def test_a_batch_larger_than_one_block_is_the_same(rng, monkeypatch):
    vectors, queries = rng.normal(size=(50, 8)), rng.normal(size=(23, 8))
    index = ExactIndex(vectors)
    whole = index.search(queries, 6)
    monkeypatch.setattr("retriever.indexes.exact.BLOCK_SCORES", 150)  # blocks of three queries
    np.testing.assert_array_equal(index.search(queries, 6).ids, whole.ids)
    monkeypatch.setattr("retriever.indexes.exact.BLOCK_SCORES", 1)  # never less than one
    np.testing.assert_array_equal(index.search(queries, 6).ids, whole.ids)


def test_the_matrix_is_column_major_read_only_and_unit(rng):
    index = ExactIndex(rng.normal(size=(50, 8)))
    assert index.vectors.flags.f_contiguous
    assert index.vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(index.vectors, axis=1), 1, atol=1e-6)
    with pytest.raises(ValueError, match="read-only"):
        index.vectors[0, 0] = 2


# --- the parts


@given(st.lists(st.integers(-3, 3), max_size=40), st.integers(1, 45))
def test_top_ids_sorts_like_a_full_sort(values, k):
    scores = np.array(values, np.float32)
    expected = sorted(range(len(values)), key=lambda row: (-values[row], row))[:k]
    assert top_ids(scores, k).tolist() == expected


@given(
    hnp.arrays(
        np.float32,
        st.tuples(st.integers(0, 6), st.integers(1, 5)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False),
    )
)
@settings(max_examples=300)
def test_normalize_makes_unit_rows_of_any_size_and_keeps_zero_rows(vectors):
    before = vectors.copy()
    unit = normalize(vectors)
    assert unit.dtype == np.float32
    norms = np.linalg.norm(unit.astype(np.float64), axis=1)
    zero = (vectors == 0).all(axis=1)
    np.testing.assert_allclose(norms[~zero], 1, atol=1e-6)
    assert (norms[zero] == 0).all()
    np.testing.assert_allclose(unit, unit64(vectors), atol=1e-6)
    np.testing.assert_array_equal(normalize(unit), unit)
    np.testing.assert_array_equal(vectors, before)


def test_check_vectors_does_not_copy_what_is_right_already():
    vectors = np.ones((3, 2), np.float32)
    assert check_vectors(vectors) is vectors
