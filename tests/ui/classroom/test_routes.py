"""Tests of a class's routes on the real server: who may do what, what is told when, and what cannot be tried."""

import threading
import time

import httpx
import pytest

from retriever.errors import CollectionError
from tests.support.attacks import FOREIGN, send, statuses
from tests.support.classes import LESSON, Asker, small_server
from tests.support.serving import until
from ui.classroom.codes import MOST_WRONG

PREDICTED = (("found", 7), ("moves", "index"), ("speed", ["exact", "hnsw", "bm25"]))


def test_a_class_predicts_and_all_see_one_measurement_each_beside_the_own_prediction(teacher, join, given):
    ann, ben = join(), join()
    assert ann.predict("found", 7).json()["own"] == "7 of 10 passages"
    assert (teacher.lead()["students"], teacher.lead()["predicted"]) == (2, 1)
    assert "Measured" not in ann.state()["html"], "nothing is told before the reveal"
    assert teacher.move("reveal").status_code == 200
    until(lambda: teacher.lead()["phase"] == "revealed", 5)
    mine, other, projector = ann.state(), ben.state(), teacher.lead()
    assert "You predicted 3 too many" in mine["difference"] and (other["own"], other["difference"]) == ("", "")
    assert "4 of 10 passages" in mine["html"] and mine["html"] == other["html"]
    assert "measured ▶</span> 4</th>" in projector["html"]
    assert "It was “so” &amp; not &lt;else&gt;." in mine["html"] and "../?tab=search&amp;q=a+%26+b" in mine["html"]
    assert given.made == ["found"]


def test_a_late_comer_lands_on_the_step_under_way(teacher, join):
    teacher.move("next")
    late = join()
    assert (late.state()["step"], late.state()["phase"]) == ("moves", "predicting")
    assert "The &lt;b&gt;embedding&lt;/b&gt; model" in late.state()["html"]
    assert late.predict("moves", "index").status_code == 200


def test_a_reload_keeps_teacher_and_student(teacher, join):
    student = join()
    student.predict("found", 3)
    assert teacher.get("teach").status_code == 200 and teacher.lead()["predicted"] == 1
    student.join()
    assert student.state()["own"] == "3 of 10 passages" and teacher.lead()["students"] == 1


def test_a_student_is_told_of_a_move_when_it_is_made(teacher, join):
    student, told = join(), []
    have = student.state()["version"]

    def wait():
        told.append((student.state(have)["phase"], time.monotonic()))

    waiting = threading.Thread(target=wait)
    waiting.start()
    time.sleep(0.3)
    assert not told
    moved = time.monotonic()
    teacher.move("close")
    waiting.join(10)
    [(phase, when)] = told
    assert phase == "closed" and when - moved < 2


def test_only_the_teachers_browser_moves_reveals_and_reads_the_results(teacher, join, arrive):
    other = arrive().start()
    for stranger in (join(), arrive(teacher.code), other):
        stranger.code = teacher.code
        for answer in (
            stranger.post("move", move="reveal", place=0),
            stranger.get("lead"),
            stranger.get("results.csv"),
            stranger.get("teach"),
        ):
            assert answer.status_code == 404
    assert teacher.lead()["phase"] == "predicting"


def test_another_site_can_link_to_a_class_and_do_nothing_in_it(teacher, join):
    student = join()
    linked = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    page = student.client.get(f"/class/{teacher.code}", headers=linked)
    assert page.status_code == 200 and "default-src 'self'" in page.headers["content-security-policy"]
    for name in ("move", "join", "predict"):
        assert teacher.client.post(f"/class/{teacher.code}/{name}", json={}, headers=FOREIGN).status_code == 403
    assert teacher.client.post("/class", data={"lesson": "trial"}, headers=FOREIGN).status_code == 403
    assert teacher.client.get(f"/class/{teacher.code}/lead", headers=FOREIGN).status_code == 403


def test_a_move_from_a_page_that_is_behind_changes_nothing(teacher):
    assert teacher.post("move", move="next", place=0).status_code == 200
    again = teacher.post("move", move="next", place=0)
    assert again.status_code == 409 and "at another step already" in again.json()["detail"]
    assert teacher.lead()["place"] == 1


def test_a_prediction_for_another_step_or_after_the_close_is_not_taken_and_what_was_taken_stands(teacher, join):
    student = join()
    student.predict("found", 2)
    assert student.predict("moves", "model").status_code == 409
    teacher.move("close")
    late = student.predict("found", 9)
    assert late.status_code == 409 and "stands" in late.json()["detail"]
    assert "yours came too late" in join().predict("found", 9).json()["detail"]
    assert student.state()["own"] == "2 of 10 passages"


def test_two_classes_at_once_know_nothing_of_each_other(teacher, join, server, arrive):
    second = arrive().start()
    student, elsewhere = join(), arrive(second.code).join()
    student.predict("found", 1)
    second.move("next")
    assert (teacher.lead()["predicted"], second.lead()["predicted"]) == (1, 0)
    assert (student.state()["step"], elsewhere.state()["step"]) == ("found", "moves")
    student.code = second.code
    assert student.get("state").status_code == 404
    health = httpx.get(f"{server.address}/health").json()["classes"]
    assert health["under_way"] >= 2 and health["students"] >= 2
    second.move("end")


def test_the_end_is_told_and_the_results_can_still_be_had(teacher, join):
    student = join()
    for step, value in PREDICTED:
        assert student.predict(step, value).status_code == 200
        teacher.move("next") if step != "speed" else teacher.move("end")
    assert student.state()["phase"] == "over" and "The class is over" in student.state()["html"]
    assert student.predict("speed", PREDICTED[2][1]).status_code == 409
    results = teacher.get("results.csv")
    assert results.headers["content-type"].startswith("text/csv")
    rows = results.text.splitlines()
    assert len(rows) == 4 and ',7,"",' in rows[1] and '"Exact search, then HNSW, then BM25"' in rows[3]


def test_a_class_that_a_restart_has_forgotten_is_said_to_be_gone(teacher, join, server):
    student = join()
    server.classrooms._by_code.pop(teacher.code)
    gone = student.get("state")
    assert gone.status_code == 404 and "it is over, or the lab was restarted" in gone.json()["detail"]
    assert "the lab was restarted" in teacher.get("teach").text


def test_a_measurement_that_fails_is_told_to_the_teacher_and_tried_again(teacher, join, given):
    student = join()
    until(lambda: given.made == ["found"], 5)
    given.error = CollectionError("There is no memory for it.")
    teacher.move("next")
    teacher.move("reveal")
    until(lambda: "There is no memory for it." in teacher.lead().get("html", ""), 5)
    assert teacher.lead()["phase"] == "closed" and "memory" not in student.state()["html"]
    given.error = None
    teacher.move("reveal")
    until(lambda: student.state()["phase"] == "revealed", 5)


def test_a_reveal_that_waits_for_its_measurement_follows_by_itself(teacher, join, given):
    teacher.move("next")
    given.free.clear()
    teacher.move("next")
    student = join()
    teacher.move("reveal")
    assert student.state()["phase"] == "measuring" and "result follows by itself" in student.state()["html"]
    given.free.set()
    until(lambda: student.state()["phase"] == "revealed", 5)


def test_codes_cannot_be_found_by_trying_and_who_is_in_stays_in(teacher, join, server, arrive, monkeypatch):
    student, now = join(), server.classrooms.clock()
    monkeypatch.setattr(server.classrooms.wrong_codes, "_clock", lambda: now)  # the window may end otherwise
    codes = [f"{first}{second}DFGH" for first in "23456789" for second in "23456789"]
    tries = [lambda code=code: send("POST", f"{server.address}/class/{code}/join") for code in codes]
    found = statuses(tries)
    assert found == {404: MOST_WRONG, 429: len(codes) - MOST_WRONG}
    right = arrive(teacher.code).post("join")
    assert right.status_code == 429 and "Try again in a minute" in right.json()["detail"]
    assert student.predict("found", 5).status_code == 200 and student.join()
    assert httpx.get(f"{server.address}/class/DDDDDD/state?have=0").json() == (
        httpx.get(f"{server.address}/class/{teacher.code}/state?have=0").json()
    ), "what does not count as a try tells nothing"


def test_bodies_are_small_and_plain(teacher, join):
    student, path = join(), f"/class/{teacher.code}/predict"
    assert student.client.post(path, content=b"x" * 100_000).status_code == 413
    for body in (b"", b"[]", b"{", b'{"a":' * 30 + b"1" + b"}" * 30):
        assert student.client.post(path, content=body).status_code == 400
    for value in (None, "7", [], {}, True):
        assert student.predict("found", value).status_code == 400
    assert student.predict(["found"], 1).status_code == 409
    assert teacher.post("move", move=["next"], place=0).status_code == 400
    assert teacher.lead()["predicted"] == 0
    assert student.predict("found", 10**400).status_code == 400


def test_a_code_may_be_typed_in_any_way_and_a_class_started_by_a_form(teacher):
    answer = teacher.client.get("/class", params={"code": f"{teacher.code[:3].lower()}-{teacher.code[3:]}"})
    assert (answer.status_code, answer.headers["location"]) == (303, f"./class/{teacher.code}")
    assert teacher.client.get(f"/class/{teacher.code.lower()}").headers["location"] == teacher.code
    assert teacher.client.get("/class/").headers["location"] == "../class"
    wrong = teacher.client.get("/class", params={"code": "<b>"})
    assert wrong.status_code == 400 and "six letters and digits" in wrong.text and 'value="&lt;b&gt;"' in wrong.text
    assert "There is no lesson &#39;&lt;i&gt;&#39;" in teacher.client.post("/class", data={"lesson": "<i>"}).text


@pytest.mark.parametrize("address", ["lab.example", "127.0.0.1:7860"])
def test_the_projector_has_link_and_qr_code_of_the_address_that_was_asked(teacher, address):
    page = teacher.client.get(f"/class/{teacher.code}/teach", headers={"Host": address}).text
    assert f'href="http://{address}/class/{teacher.code}"' in page and "<svg" in page
    entrance = teacher.client.get("/class", headers={"Host": address}).text
    assert all(("on this computer only" in shown) == address.startswith("127") for shown in (page, entrance))


def test_a_full_lab_says_so_on_a_page(teacher, monkeypatch):
    monkeypatch.setenv("LAB_MAX_CLASSES", "1")
    full = teacher.client.post("/class", data={"lesson": "trial"})
    assert full.status_code == 503 and "1 classes are under way" in full.text


def test_a_lab_that_stops_answers_those_who_wait(given, monkeypatch):
    monkeypatch.setattr("ui.hosting.server.LessonMeasurements", lambda samples: given)
    monkeypatch.setattr("ui.lessons.lesson.lessons", lambda: {LESSON.name: LESSON})
    with small_server() as server:
        teacher, answers = Asker(server.address).start(), []
        student = Asker(server.address, teacher.code).join()
        have = student.state()["version"]
        waiting = threading.Thread(target=lambda: answers.append(student.get("state", have=have).status_code))
        waiting.start()
        time.sleep(0.3)
        began = time.monotonic()
    assert time.monotonic() - began < 2
    waiting.join(5)
    for each in (teacher, student):
        each.client.close()
    assert answers == [200]
