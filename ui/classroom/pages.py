"""The pages of a class, and the part of them that follows its steps; all text is escaped by the templates."""

import re
from datetime import timedelta
from urllib.parse import urlencode

import segno

from ui.classroom.classroom import Classroom, Phase
from ui.classroom.classrooms import KEPT_SECONDS
from ui.classroom.codes import spaced
from ui.classroom.distribution import distribution
from ui.lessons.lesson import lessons
from ui.lessons.reveal import measured_number, reveal
from ui.render.html import Html, render
from ui.render.numbers import count_of
from ui.render.predictions import ChoicePrediction, NumberPrediction, Prediction, bare_number
from ui.settings import limits

SENTENCES = re.compile(r"(?<=[.?!:]) (?=[A-Z“])")  # where one sentence ends and the next one begins
KEPT = count_of(round(KEPT_SECONDS / 60), "minute")
LOCAL = ("localhost", "127.", "[::1]")  # hosts that other computers cannot reach by these names


def entrance_page(
    address: str, *, root: str = "./", typed: str = "", chosen: str = "", words: str = "", wrong: bool = False
) -> Html:
    """Return the page where a class is joined or started.

    address: of the lab, as it was asked. root: the lab's first page, seen from this one. typed: a code; chosen: a
    lesson's name; words: what went wrong; wrong: whether the code did.
    """
    return render(
        "classroom/entrance.html",
        root=root,
        lessons=lessons().values(),
        typed=typed,
        chosen=chosen,
        words=words,
        wrong=wrong,
        local=is_local(address),
        time=count_of(limits().class_minutes, "minute"),
    )


def student_page(code: str) -> Html:
    """Return the page of a student; it is the same for codes that there are not."""
    return render("classroom/student.html", root="../", code=code, spaced=spaced(code))


def teacher_page(code: str, address: str) -> Html:
    """Return the page of a class's teacher; address: of the lab, as it was asked."""
    link = f"{address}class/{code}"
    return render(
        "classroom/teacher.html",
        root="../../",
        code=code,
        spaced=spaced(code),
        link=link,
        host=address.partition("://")[2].rstrip("/"),
        local=is_local(address),
        qr=qr_code(link),
        kept=KEPT,
    )


def is_local(address: str) -> bool:
    """Return whether other computers cannot reach the lab by the address that it was asked by."""
    return address.partition("://")[2].startswith(LOCAL)


def elsewhere_page(code: str) -> Html:
    """Return the page for a browser that does not lead a class of this code."""
    return render("classroom/elsewhere.html", root="../../", code=code, spaced=spaced(code))


def qr_code(link: str) -> Html:
    """Return a link's QR code as SVG: dark on a light ground with its quiet zone, whatever the page's colours are."""
    code = segno.make(link, error="m", micro=False)
    return Html(code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))


def step_part(classroom: Classroom, *, teacher: bool) -> Html:
    """Return what teacher or students see of the step under way; nothing in it is of one student alone."""
    root, over = ("../../" if teacher else "../"), classroom.over
    if classroom.ended_at is not None:
        until = (classroom.ended_at + timedelta(seconds=KEPT_SECONDS)).isoformat(timespec="seconds")
        return render("classroom/step.html", root=root, over=over, teacher=teacher, until=until)
    under_way = classroom.now_at
    step, measured = under_way.step, under_way.measured
    *before, question = SENTENCES.split(step.question)
    context = " ".join(before)
    shown: dict[str, object] = {}
    if under_way.phase is Phase.REVEALED and measured is not None:
        revealed = reveal(step, None, measured)
        number = isinstance(step.prediction, NumberPrediction)
        value = measured_number(step, measured) if number else measured.value
        shown = {
            "measured_words": revealed.measured,
            "sentences": revealed.sentences,
            "measured_at": revealed.measured_at,
            "link": f"?{urlencode(revealed.place)}" if revealed.place else "",
            "shown": distribution(step.prediction, under_way.predictions.values(), value),
        }
    return render(
        "classroom/step.html",
        root=root,
        over=over,
        teacher=teacher,
        title=classroom.lesson.title,
        intro=classroom.lesson.intro,
        place=classroom.place,
        places=len(classroom.steps),
        phase=str(under_way.phase),
        step=step,
        context=context,
        question=question,
        asked=step.prediction,
        kind=kind_of(step.prediction),
        number=bare_number,
        problem=under_way.problem,
        **shown,
    )


def kind_of(prediction: Prediction) -> str:
    """Return the word for a kind of prediction."""
    if isinstance(prediction, NumberPrediction):
        return "number"
    return "choice" if isinstance(prediction, ChoicePrediction) else "order"
