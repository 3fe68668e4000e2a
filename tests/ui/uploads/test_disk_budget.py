"""Tests of the disk budget: what is reserved, what is given back, and whose share is used up."""

import pytest

from retriever.turns import LAB, Owner
from ui.uploads.disk_budget import MIN_FILE_BYTES, DiskBudget, RoomRefused

MB = 1_000_000
ANN, BEN = Owner("10.0.0.1", "ann"), Owner("10.0.0.1", "ben")  # in one network
CAT = Owner("10.0.0.2", "cat")


@pytest.fixture
def budget(monkeypatch):
    """A budget of 100 MB: 50 MB for one network, 25 MB for one visitor; its clock is the list's last number."""
    monkeypatch.setenv("LAB_DISK_MB", "100")
    budget = DiskBudget(lambda: budget.times[-1])
    budget.times = [0.0]
    return budget


def test_room_is_taken_from_the_reservation_until_the_last_file_is_gone(budget):
    budget.reserve("a", 20 * MB, ANN, arriving=True)
    assert budget.held == 20 * MB and budget.facts() == {"megabytes": 20, "limit_megabytes": 100, "under_way": 1}
    budget.settle("a", {"x": 5 * MB, "y": 0})
    assert budget.held == 5 * MB + MIN_FILE_BYTES and budget.facts()["under_way"] == 0
    budget.release_file("a", "x")
    budget.release_file("a", "x")  # again: nothing more to give back
    assert budget.held == MIN_FILE_BYTES and "a" in budget
    budget.release_file("a", "y")
    budget.release("a")
    assert budget.held == 0 and "a" not in budget


def test_an_upload_counts_from_its_admission_and_nobody_exceeds_the_disk(budget):
    budget.reserve("a", 60 * MB, ANN, arriving=True)
    budget.reserve("b", 39 * MB, CAT, arriving=True)
    with pytest.raises(RoomRefused, match="disk is full") as refused:
        budget.reserve("c", 2 * MB, LAB)
    assert refused.value.reason == "disk full" and budget.held == 99 * MB
    budget.release("a")
    budget.reserve("c", 2 * MB, LAB)


def test_a_visitor_and_a_network_have_shares_and_others_still_find_room(budget):
    budget.reserve("a", 20 * MB, ANN)
    with pytest.raises(RoomRefused, match=r"Your files take 20\.0 MB .* one visitor may have 25 MB"):
        budget.reserve("b", 10 * MB, ANN)
    budget.reserve("b", 20 * MB, BEN)
    with pytest.raises(RoomRefused, match=r"Files from your network take 40\.0 MB .* one network may have 50 MB"):
        budget.reserve("c", 20 * MB, Owner("10.0.0.1", "dan"))
    budget.reserve("c", 20 * MB, CAT)
    budget.release("a")
    budget.reserve("a", 20 * MB, ANN)


def test_what_is_small_counts_as_much_as_it_costs(budget):
    budget.reserve("a", 1_000, ANN, arriving=True)
    for _ in range(50):
        budget.add_file("a")
    budget.settle("a", dict.fromkeys(map(str, range(50)), 0))
    assert budget.held == 50 * MIN_FILE_BYTES
    budget.reserve("b", 96 * MB, CAT)
    with pytest.raises(RoomRefused):
        for _ in range(50):
            budget.add_file("a")


def test_uploads_at_once_are_as_many_as_visitors_and_half_of_them_from_one_network(budget, monkeypatch):
    monkeypatch.setenv("LAB_MAX_SESSIONS", "6")
    for name in "abc":
        budget.reserve(name, 1, ANN, arriving=True)
    with pytest.raises(RoomRefused, match="under way from your network"):
        budget.reserve("d", 1, BEN, arriving=True)
    budget.reserve("d", 1, BEN)  # a download
    for name in "efg":
        budget.reserve(name, 1, CAT, arriving=True)
    with pytest.raises(RoomRefused, match="under way in the lab"):
        budget.reserve("h", 1, Owner("10.0.0.3", "eve"), arriving=True)


def test_what_is_whole_grows_old_and_what_is_arriving_does_not(budget):
    budget.reserve("a", 1, ANN, arriving=True)
    budget.reserve("b", 1, ANN, arriving=True)
    budget.times.append(50.0)
    budget.settle("a", {"x": 1})
    budget.times.append(100.0)
    assert (budget.older_than(49), budget.older_than(51)) == (["a"], [])
    assert budget.whole_files() == [("a", "x")] and budget.whole_files(0) == []
