"""The log: JSON lines that hold nothing of a visitor, and that no attack multiplies."""

import ast
import functools
import json
from typing import get_args

import pytest

import ui.log
from tests.support.paths import ROOT
from ui.log import LOGGER, Reason, log_event, log_failure, refused, refused_counts
from ui.render.errors import report_errors
from ui.throttle import Throttle

SECRET = "the otters keep a ledger"


@pytest.fixture
def clock(monkeypatch):
    """Give the log a clock that the test moves, and counts that begin now; return the list that holds its time."""
    now = [0.0]
    for name, lines in (("_EVENTS", 3), ("_FAILURES", 1), ("_REFUSALS", 1)):
        monkeypatch.setattr(ui.log, name, Throttle(lines, clock=lambda: now[0]))
    return now


@pytest.fixture
def logged(clock, caplog, monkeypatch):
    """Return a function that returns the events logged so far."""
    monkeypatch.setattr(LOGGER, "propagate", True)
    caplog.set_level("INFO", logger="lab")
    return lambda: [json.loads(record.message) for record in caplog.records]


def broken():
    raise KeyError(SECRET)


@pytest.mark.parametrize("handler", [broken, functools.partial(broken)])
def test_a_fault_is_logged_by_its_place_without_its_words(logged, handler):
    with pytest.raises(Exception, match="went wrong"):
        report_errors(handler)()
    [line] = logged()
    assert (line["event"], line["error"], line["handler"]) == ("fault", "KeyError", "broken")
    assert line["where"].startswith("tests/ui/test_log.py:") and "otters" not in json.dumps(line)


def test_a_line_cannot_be_forged(logged, caplog):
    forged = 'a\n{"event": "forged"}\r\x1b[31m\u2028\udce4'
    log_event("job", kind=forged)
    assert logged()[0]["kind"] == forged
    assert caplog.records[0].message.isascii() and caplog.records[0].message.isprintable()


def test_an_error_of_the_system_is_logged_with_its_name(logged):
    log_failure("fault", OSError(28, SECRET, "/home/otters"))
    [line] = logged()
    assert line["errno"] == "ENOSPC" and "otters" not in json.dumps(line)


def test_the_same_failure_is_one_line_a_minute_another_is_another_line(logged, clock):
    for error in [ValueError(SECRET)] * 20 + [TypeError(SECRET)]:
        log_failure("fault", error)
    assert [(line["error"], "count" in line) for line in logged()] == [("ValueError", False), ("TypeError", False)]
    clock[0] = 60.0
    log_failure("fault", ValueError(SECRET))
    assert logged()[-1]["count"] == 20


def test_no_event_is_written_more_often_than_its_share_of_lines(logged):
    for _ in range(50):
        log_event("build", outcome="refused")
    log_event("stop")
    assert [line["event"] for line in logged()] == ["build"] * 3 + ["stop"]


def test_refusals_are_counted_by_reason_and_logged_once_a_minute(logged, clock):
    for _ in range(1000):
        refused("full")
    refused("disk full")
    clock[0] = 61.0
    refused("full")
    lines = [(line["event"], line["reason"], line.get("count", 1), line["total"]) for line in logged()]
    assert lines == [
        ("refused", "full", 1, 1),
        ("refused", "disk full", 1, 1),
        ("refused", "full", 1000, 1001),
    ]
    assert refused_counts() == {"full": 1001, "disk full": 1}


# --- what the program logs


def log_calls():
    """Yield the place, the name and the node of each call of one of the log's functions in the program."""
    names = {"log_event", "log_failure", "log_place", "refused"}
    for path in [ROOT / "app.py", *(path for top in ("ui", "sandbox") for path in (ROOT / top).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in names:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.func.id, node


def test_reasons_for_a_refusal_come_from_the_vocabulary():
    given = {
        node.args[0].value: place
        for place, name, node in log_calls()
        if name == "refused" and isinstance(node.args[0], ast.Constant)
    }
    assert given and set(given) <= set(get_args(Reason)), given


def test_every_event_of_the_log_is_in_the_hosting_guide():
    guide = (ROOT / "docs" / "hosting.md").read_text(encoding="utf-8")
    events = {
        node.args[0].value for _, _, node in log_calls() if node.args and isinstance(node.args[0], ast.Constant)
    } - set(get_args(Reason))
    assert len(events) >= 8
    assert not {event for event in events if f"| `{event}` |" not in guide}
    assert not {reason for reason in get_args(Reason) if f"*{reason}*" not in guide}
