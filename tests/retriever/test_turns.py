"""Turns: addresses, and the visitors of an address, are served one after the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retriever.turns import Owner, Turns


def served(turns):
    """Take everything, in the order in which it is served."""
    order = []
    while item := turns.next():
        turns.take(item)
        order.append(item)
    return order


def test_one_who_asks_for_much_delays_each_other_visitor_by_one_item():
    turns = Turns()
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        turns.add(item, Owner("home", item[0]))
    assert served(turns) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_many_visitors_of_one_address_delay_another_address_by_one_item():
    turns = Turns()
    for number in range(4):
        turns.add(f"school {number}", Owner("school", str(number)))
    turns.add("home", Owner("home", "x"))
    assert served(turns)[:2] == ["school 0", "home"]


def test_a_late_comer_is_served_before_who_has_had_a_turn():
    turns = Turns()
    for item in ("a1", "a2"):
        turns.add(item, Owner("home", "a"))
    turns.take(turns.next())
    turns.add("b1", Owner("home", "b"))
    assert served(turns) == ["b1", "a2"]


def test_what_is_removed_takes_no_turn():
    turns = Turns()
    for item in ("a1", "a2", "b1"):
        turns.add(item, Owner("home", item[0]))
    turns.remove("a1")
    assert len(turns) == 2 and list(turns) == ["a2", "b1"]
    assert served(turns) == ["a2", "b1"]
    for refused in (turns.remove, turns.take):
        with pytest.raises(ValueError, match="does not wait"):
            refused("a1")


def test_only_the_last_turns_are_remembered(monkeypatch):
    monkeypatch.setattr("retriever.turns.MAX_REMEMBERED", 10)
    turns = Turns()
    for number in range(100):
        turns.add(number + 1, Owner(str(number), "v"))
    assert len(served(turns)) == 100 and len(turns._last_turn) == 10


OWNERS = st.builds(Owner, st.sampled_from("abc"), st.sampled_from("xyz"))


@given(st.lists(OWNERS, max_size=12), st.integers(0, 12), st.lists(OWNERS, max_size=12))
def test_the_order_told_beforehand_is_the_one_in_which_all_are_served(before, taken, after):
    turns = Turns()
    for number, owner in enumerate(before, 1):
        turns.add(number, owner)
    for _ in range(min(taken, len(before))):
        turns.take(turns.next())
    for number, owner in enumerate(after, 100):
        turns.add(number, owner)
    assert list(turns) == [*sorted(set(turns))], "in the order in which they were added"
    assert turns.order() == served(turns)
