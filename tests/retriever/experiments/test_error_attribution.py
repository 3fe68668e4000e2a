"""Attribution of lost answers to the model or the index: a hand-made case, and the parts add up."""

from hypothesis import given
from hypothesis import strategies as st

from retriever.experiments.error_attribution import attribute_errors

EXACT = {"a": True, "b": True, "c": True, "d": False, "e": False, "f": False, "g": False, "h": True}
HNSW = {"a": True, "b": False, "c": True, "d": False, "e": True, "f": False, "g": False, "h": False}


def test_each_question_goes_where_its_answer_was_lost_in_the_order_asked():
    errors = attribute_errors(EXACT, HNSW)
    assert errors.kept == ("a", "c")
    assert errors.lost_by_index == ("b", "h")
    assert errors.lost_by_model == ("d", "e", "f", "g")
    assert errors.lucky == ("e",)
    assert (errors.asked, errors.found) == (8, 4)
    assert "".join(errors.blame(query_id)[:1] or "-" for query_id in EXACT) == "-i-mmmmi"
    assert errors.blame("never asked") == ""
    assert attribute_errors(dict(reversed(EXACT.items())), HNSW).lost_by_model == ("g", "f", "e", "d")


@given(st.dictionaries(st.text(max_size=3), st.tuples(st.booleans(), st.booleans()), min_size=1))
def test_the_parts_add_up(hits):
    exact, hnsw = {key: pair[0] for key, pair in hits.items()}, {key: pair[1] for key, pair in hits.items()}
    errors = attribute_errors(exact, hnsw)
    parts = [*errors.kept, *errors.lost_by_index, *errors.lost_by_model]
    assert sorted(parts) == sorted(hits)
    assert errors.asked == len(hits)
    assert errors.found == sum(exact.values())
    assert len(errors.kept) + len(errors.lucky) == sum(hnsw.values())
    assert set(errors.lucky) <= set(errors.lost_by_model)
    assert all(errors.blame(key) == ("model" if not exact[key] else "" if hnsw[key] else "index") for key in hits)
