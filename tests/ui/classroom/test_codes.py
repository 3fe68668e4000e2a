"""Tests of codes: how they may be typed, and how many wrong ones are taken."""

from tests.support.clock import Clock
from ui.classroom.codes import MOST_WRONG, MOST_WRONG_OF_ALL, WrongCodes, new_code, read_code, spaced


def test_a_code_is_read_as_people_type_it_and_nothing_else_is_one():
    code = new_code()
    assert {read_code(code), read_code(spaced(code)), read_code(f" {code[:3]}-{code[3:].lower()}")} == {code}
    assert [read_code(text) for text in ("", "CDF23", "CDF2345", "CDF 0O1", "ÇDF234", "../../")] == [""] * 6
    assert len({new_code() for _ in range(200)}) == 200


def test_an_address_may_try_some_wrong_codes_a_minute():
    clock = Clock()
    wrong = WrongCodes(clock)
    for _ in range(MOST_WRONG):
        assert wrong.may_try("school")
        wrong.add("school")
    assert not wrong.may_try("school") and wrong.may_try("elsewhere")
    clock.now += 60
    assert wrong.may_try("school")


def test_many_addresses_together_may_try_a_little_and_one_without_a_mistake_always():
    wrong = WrongCodes(Clock())
    for number in range(MOST_WRONG_OF_ALL):
        wrong.add(f"bot {number}")
    assert not wrong.may_try("bot 0") and wrong.may_try("school")
