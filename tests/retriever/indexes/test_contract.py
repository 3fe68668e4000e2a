"""The contract of all indexes, and that of exact search, checked against brute force in float64."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from retriever.errors import ParameterError, VectorError
from retriever.indexes.base import NO_ID
from retriever.indexes.exact import ExactIndex, top_ids
from retriever.indexes.hnsw import HNSWIndex
from retriever.indexes.milvus.index import MilvusIndex
from retriever.vectors import check_vectors, normalize
from tests.support.true_neighbors import true_neighbors, true_scores, unit64

WIDE = {"ef": 500}  # covers every collection below
KINDS = {  # name -> how an index is built, and what its searches take
    "exact": (ExactIndex, {}),
    "HNSW": (HNSWIndex, WIDE),
    "Milvus": (MilvusIndex, WIDE),
    "Milvus, exact": (MilvusIndex, {"ef": None}),
}


@pytest.fixture(params=KINDS.values(), ids=KINDS)
def kind(request):
    return request.param


@pytest.fixture
def build(kind, request):
    return request.getfixturevalue("milvus_index") if kind[0] is MilvusIndex else kind[0]


@pytest.fixture
def search(kind):
    def searched(index, queries, k):
        return index.search(queries, k, **kind[1])

    return searched


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def check_well_formed(found, vectors, queries, k):
    """Check what holds for any neighbours: shapes, order, empty places, and that scores are the true cosines."""
    assert found.ids.shape == found.scores.shape == (len(queries), k)
    assert (found.ids.dtype, found.scores.dtype) == (np.int64, np.float32)
    count = min(k, len(vectors))
    for ids, scores, true in zip(found.ids, found.scores, true_scores(vectors, queries), strict=True):
        assert (ids[count:] == NO_ID).all()
        assert (scores[count:] == -np.inf).all()
        assert len(set(ids[:count].tolist())) == count
        assert ((ids[:count] >= 0) & (ids[:count] < len(vectors))).all()
        assert (np.diff(scores[:count]) <= 0).all()
        np.testing.assert_allclose(scores[:count], true[ids[:count]], atol=2e-6)
        np.testing.assert_allclose(scores[:count], -np.sort(-true)[:count], atol=2e-6)


# --- all indexes


@pytest.mark.parametrize("n", [0, 1, 9, 10, 11, 300])
@pytest.mark.parametrize("n_queries", [0, 1, 3])
def test_neighbors_have_the_shape_asked_for_and_are_the_true_ones(build, search, rng, n, n_queries):
    vectors, queries = rng.normal(size=(n, 12)), rng.normal(size=(n_queries, 12))
    index = build(vectors)
    assert (len(index), index.dimension) == (n, 12)
    for k in (1, np.uint8(10), 1000):  # may be any whole number and exceed the collection
        found = search(index, queries, k)
        check_well_formed(found, vectors, queries, int(k))
        np.testing.assert_array_equal(found.ids, true_neighbors(vectors, queries, int(k)))


@pytest.mark.parametrize("k", [0, -1, 1.5, True, None, "3", np.float64(3), [3]])
def test_a_bad_k_is_refused_by_name(build, search, k):
    for n in (0, 4):
        with pytest.raises(ParameterError, match=r"^k is .*whole number from 1 to 100000"):
            search(build(np.eye(4)[:n]), np.ones((1, 4)), k)


BAD_ARRAYS = {
    "one axis": np.ones(4),
    "three axes": np.ones((1, 1, 4)),
    "NaN": np.array([[1, np.nan, 0, 0]]),
    "infinity": np.array([[1, 0, -np.inf, 0]]),
    "beyond float32": np.array([[1e300, 0, 0, 0]]),
    "numbers as strings": np.array([["1", "2", "3", "4"]]),
    "ragged": [[1, 2, 3, 4], [1, 2]],
    "booleans": np.ones((1, 4), bool),
    "complex": np.ones((1, 4), complex),
    "huge integers": [[10**400, 0, 0, 0]],
    "nothing": None,
}


@pytest.mark.parametrize("bad", BAD_ARRAYS.values(), ids=BAD_ARRAYS.keys())
def test_bad_queries_and_bad_vectors_are_refused_before_any_search(build, search, bad):
    index = build(np.eye(4))
    with pytest.raises(VectorError, match="queries"):
        search(index, bad, 1)
    with pytest.raises(VectorError, match="vectors"):
        build(bad)
    assert search(index, np.eye(4), 1).ids.tolist() == [[0], [1], [2], [3]]  # and the index still works


def test_what_does_not_fit_is_named(build, search):
    for shape in ((0, 3), (1, 5), (2, 400)):
        with pytest.raises(VectorError, match=rf"{shape[1]} dimensions.* 4"):
            search(build(np.eye(4)), np.ones(shape), 1)
    for n in (0, 3):
        with pytest.raises(VectorError, match="no dimensions| 0 dimensions"):
            build(np.empty((n, 0)))
    vectors = np.ones((6, 3))
    vectors[4, 1] = np.inf
    with pytest.raises(VectorError, match="row 4"):
        build(vectors)


def test_zero_vectors_zero_queries_and_duplicates(build, search):
    vectors = np.vstack([np.zeros((2, 3)), np.repeat(np.eye(3), 3, axis=0)])
    queries = np.array([[0, 0, 0], [-1, 0, 0], [0, 2, 0]])
    check_well_formed(search(build(vectors), queries, 11), vectors, queries, 11)
    assert sorted(search(build(vectors), queries[2:], 3).ids[0]) == [5, 6, 7]


def test_no_score_is_above_one_and_what_is_one_goes_by_the_lower_id(build, search, rng):
    vectors = normalize(rng.normal(size=(600, 384)).astype(np.float32))
    vectors = vectors[rng.integers(0, 300, 600)]  # with copies
    vectors[::7] += rng.normal(size=(86, 384)).astype(np.float32) * 1e-8  # and near copies
    index, above = build(vectors), 0
    for query in normalize(vectors[:200]):
        found = search(index, query[None], 12)
        assert found.scores.max() <= 1
        ones = found.ids[0][found.scores[0] == 1].tolist()
        assert ones == sorted(ones)
        above += (vectors @ query).max() > 1
    assert above > 5, "products are to be above 1 without clipping"
    assert search(index, vectors, 12).scores.max() <= 1


def test_length_does_not_matter(build, search, rng):
    vectors, queries = rng.normal(size=(60, 8)), rng.normal(size=(4, 8))
    lengths = 10.0 ** rng.integers(-30, 30, size=(60, 1))
    found = search(build(vectors * lengths), queries * 1e-20, 7)
    check_well_formed(found, vectors, queries, 7)
    np.testing.assert_array_equal(found.ids, true_neighbors(vectors, queries, 7))


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int8, np.uint32])
def test_every_real_type_and_memory_order_gives_the_same(build, search, rng, dtype, order):
    vectors = np.array(rng.integers(1, 9, size=(30, 6)), dtype=dtype, order=order)
    found = search(build(vectors), vectors[:3], 1)
    np.testing.assert_array_equal(found.ids, true_neighbors(vectors, vectors[:3], 1))


@pytest.mark.parametrize("scale", [1.0, 3.0])
@pytest.mark.parametrize("order", ["C", "F"])
def test_the_callers_arrays_are_neither_changed_nor_locked(build, search, rng, scale, order):
    vectors, queries = (np.array(scale * unit64(rng.normal(size=(20, 5))), np.float32, order=order) for _ in range(2))
    before = vectors.copy(), queries.copy()
    search(build(vectors), queries, 4)
    np.testing.assert_array_equal(vectors, before[0])
    np.testing.assert_array_equal(queries, before[1])
    vectors[0, 0] = 9  # the caller may still write to it


# --- exact search


@st.composite
def signs(draw):
    """Vectors of +1 and -1 in 16 dimensions: their cosines are sixteenths, exact in float32, with many ties."""
    n, n_queries = draw(st.integers(0, 40)), draw(st.integers(1, 4))
    bits = np.unpackbits(draw(hnp.arrays(np.uint8, (n + n_queries, 2))), axis=1)  # (n + n_queries, 16)
    vectors = bits * 2.0 - 1
    return vectors[:n], vectors[n:], draw(st.integers(1, 50))


@given(signs())
@settings(max_examples=150)
def test_exact_search_equals_brute_force_with_ties_by_lower_id(case):
    vectors, queries, k = case
    index = ExactIndex(vectors)
    found = index.search(queries, k)
    np.testing.assert_array_equal(found.ids, true_neighbors(vectors, queries, k))
    for row in range(len(queries)):  # one by one the same as in a batch
        single = index.search(queries[row : row + 1], k)
        np.testing.assert_array_equal(single.ids[0], found.ids[row])
        np.testing.assert_array_equal(single.scores[0], found.scores[row])


def test_a_batch_larger_than_one_block_is_the_same(rng, monkeypatch):
    vectors, queries = rng.normal(size=(50, 8)), rng.normal(size=(23, 8))
    for scores in (150, 1):  # blocks of three queries, and never less than one
        monkeypatch.setattr("retriever.indexes.exact.BLOCK_SCORES", scores)
        np.testing.assert_array_equal(ExactIndex(vectors).search(queries, 6).ids, true_neighbors(vectors, queries, 6))


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
    expected = sorted(range(len(values)), key=lambda row: (-values[row], row))[:k]
    assert top_ids(np.array(values, np.float32), k).tolist() == expected


FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(hnp.arrays(np.float32, st.tuples(st.integers(0, 6), st.integers(1, 5)), elements=FINITE))
@settings(max_examples=300)
def test_normalize_makes_unit_rows_of_any_size_and_keeps_zero_rows(vectors):
    before = vectors.copy()
    unit = normalize(vectors)
    assert unit.dtype == np.float32
    np.testing.assert_allclose(unit, unit64(before), atol=1e-6)
    np.testing.assert_array_equal(normalize(unit), unit)
    np.testing.assert_array_equal(vectors, before)


def test_check_vectors_does_not_copy_what_is_right_already():
    vectors = np.ones((3, 2), np.float32)
    assert check_vectors(vectors) is vectors
