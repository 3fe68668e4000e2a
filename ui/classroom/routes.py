"""The routes of classes: light pages and JSON beside Gradio, so that two hundred phones cost little."""

import gzip
from collections.abc import Awaitable, Callable
from functools import cache
from pathlib import Path
from weakref import WeakKeyDictionary

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from retriever.errors import ParameterError
from ui.classroom.classroom import Classroom, ClassStep, NotNow, Phase, read_move
from ui.classroom.classrooms import Classrooms, NoRoom
from ui.classroom.codes import read_code
from ui.classroom.measuring import ClassMeasurements
from ui.classroom.pages import elsewhere_page, entrance_page, step_part, student_page, teacher_page
from ui.classroom.results import results_csv
from ui.gate.bodies import parse_object
from ui.gate.origins import address_of
from ui.gate.refusals import Refusal
from ui.lessons.lesson import lesson_of
from ui.lessons.measuring import LessonMeasurements
from ui.lessons.reveal import reveal
from ui.log import log_event, refused
from ui.render.predictions import ChoicePrediction
from ui.settings import limits

FILES = Path(__file__).with_name("files")
KINDS = {"class.css": "text/css", "live.js": "text/javascript", "student.js": "text/javascript"}
KINDS["teacher.js"] = "text/javascript"
WAIT_SECONDS = 15.0  # seconds that a request for the state waits for a change
COOKIE_SECONDS = 4 * 3600
MOST_WAITING = 2  # requests of one student that wait at once: two tabs; others are answered at once
GONE = "This class is gone: it is over, or the lab was restarted. Ask your teacher for a new code."
UNKNOWN = "The code may be mistyped, the class may be over, or the lab may have been restarted."
TRIED = "There were too many wrong codes from your network. Try again in a minute."
NOT_CODE = "A code has six letters and digits, as on the projector."

Handler = Callable[[Request], Awaitable[Response]]


class ClassRoutes:
    """The routes of one lab's classes."""

    def __init__(self, classrooms: Classrooms, measurements: LessonMeasurements) -> None:
        """Store the classes and where their steps are measured."""
        self.classrooms, self._measuring = classrooms, ClassMeasurements(measurements)
        self._parts: WeakKeyDictionary[Classroom, dict[bool, tuple[int, str]]] = WeakKeyDictionary()
        self._waiting: dict[str, int] = {}  # requests for the state that wait, by student

    def routes(self) -> list[Route]:
        """Return the routes, all below /class."""
        return [
            Route("/class", self.entrance, methods=["GET"]),
            Route("/class", told(self.start), methods=["POST"]),
            Route("/class/", self.without_slash, methods=["GET"]),
            Route("/class/files/{name}", self.file, methods=["GET"]),
            Route("/class/{code}", self.student, methods=["GET"]),
            Route("/class/{code}/teach", self.teacher, methods=["GET"]),
            Route("/class/{code}/join", told(self.join), methods=["POST"]),
            Route("/class/{code}/state", told(self.state), methods=["GET"]),
            Route("/class/{code}/predict", told(self.predict), methods=["POST"]),
            Route("/class/{code}/lead", told(self.lead), methods=["GET"]),
            Route("/class/{code}/move", told(self.move), methods=["POST"]),
            Route("/class/{code}/results.csv", told(self.results), methods=["GET"]),
        ]

    # --- pages

    async def entrance(self, request: Request) -> Response:
        """Show where a class is joined or started, or go on to the class of a code that was typed."""
        typed = request.query_params.get("code", "")[:40]
        if code := read_code(typed):
            return RedirectResponse(f"./class/{code}", 303)
        words = NOT_CODE if typed else ""
        chosen, address = request.query_params.get("lesson", ""), address_of(request.scope)
        page = entrance_page(address, typed=typed, chosen=chosen, words=words, wrong=bool(words))
        return HTMLResponse(page, 400 if words else 200)

    async def without_slash(self, request: Request) -> Response:
        """Go on to where a class is joined or started."""
        return RedirectResponse("../class", 303)

    async def start(self, request: Request) -> Response:
        """Start a class, and send its teacher, who is known by a cookie from now on, to its page."""
        form = await request.form(max_files=0, max_fields=5)
        chosen, address = str(form.get("lesson", "")), address_of(request.scope)
        try:
            classroom, secret = self.classrooms.start(lesson_of(chosen), address_from(request))
        except ParameterError as error:
            return HTMLResponse(entrance_page(address, words=str(error)), 400)
        except NoRoom as error:
            refused("classes")
            return HTMLResponse(entrance_page(address, chosen=chosen, words=str(error)), 503)
        log_event("class", lesson=classroom.lesson.name, under_way=len(self.classrooms.under_way))
        self._measuring.begin(classroom)
        response = RedirectResponse(f"./class/{classroom.code}/teach", 303)
        set_cookie(request, response, teacher_cookie(classroom.code), secret)
        return response

    async def student(self, request: Request) -> Response:
        """Show a student's page; whether there is such a class it learns by joining."""
        code = read_code(request.path_params["code"])
        if not code:
            typed, address = request.path_params["code"][:40], address_of(request.scope)
            page = entrance_page(address, root="../", typed=typed, words=NOT_CODE, wrong=True)
            return HTMLResponse(page, 404)
        if code != request.path_params["code"]:
            return RedirectResponse(code, 303)
        return HTMLResponse(student_page(code))

    async def teacher(self, request: Request) -> Response:
        """Show the page of a class to its teacher's browser."""
        classroom = self._led(request)
        if classroom is None:
            return HTMLResponse(elsewhere_page(read_code(request.path_params["code"])), 404)
        return HTMLResponse(teacher_page(classroom.code, address_of(request.scope)))

    async def file(self, request: Request) -> Response:
        """Return a script or the style sheet of these pages."""
        name = request.path_params["name"]
        if name not in KINDS:
            return Response("There is no such file.", 404)
        headers = {"cache-control": "max-age=300", "vary": "accept-encoding"}
        compressed = "gzip" in request.headers.get("accept-encoding", "")
        if compressed:
            headers["content-encoding"] = "gzip"
        return Response(file_content(name, compressed=compressed), media_type=KINDS[name], headers=headers)

    # --- students

    async def join(self, request: Request) -> Response:
        """Let a student join by the class's code, once a browser."""
        code, address = read_code(request.path_params["code"]), address_from(request)
        classroom, token = self.classrooms.find(code), request.cookies.get(student_cookie(code), "")
        if classroom is None or not classroom.student(token, self.classrooms.clock()):
            if not self.classrooms.wrong_codes.may_try(address):
                raise Refusal(429, "class code", TRIED)
            if classroom is None:
                self.classrooms.wrong_codes.add(address)
                raise Refusal(404, "class code", UNKNOWN)
        token = classroom.join(token, self.classrooms.clock(), limits().class_students)
        response = JSONResponse({"joined": True})
        set_cookie(request, response, student_cookie(code), token)
        return response

    async def state(self, request: Request) -> Response:
        """Return what a student sees, once that is not what they have; 204 if it stays as it is for a while."""
        classroom, student = self._joined(request)
        if classroom.moved.number == version_of(request, "have"):
            waiting = self._waiting.get(student, 0)
            if waiting < MOST_WAITING and not self.classrooms.stopping:
                self._waiting[student] = waiting + 1
                try:
                    await classroom.moved.changed(WAIT_SECONDS)
                finally:
                    self._waiting[student] -= 1
                    if not self._waiting[student]:
                        del self._waiting[student]
            if classroom.moved.number == version_of(request, "have"):
                return Response(status_code=204)
        under_way = classroom.now_at
        return JSONResponse(
            {
                "version": classroom.moved.number,
                "step": under_way.step.name,
                "phase": "over" if classroom.over else under_way.phase,
                "html": self._part(classroom, teacher=False),
                **own_part(under_way, student, over=classroom.over),
            }
        )

    async def predict(self, request: Request) -> Response:
        """Take a student's prediction, and return it in words."""
        classroom, student = self._joined(request)
        content = await parse_object(await request.body())
        classroom.predict(student, str(content.get("step")), content.get("value"))
        return JSONResponse(own_part(classroom.now_at, student))

    # --- the teacher

    async def lead(self, request: Request) -> Response:
        """Return what the teacher sees, once something has changed; 204 if nothing does for a while."""
        classroom = self._led_or_refused(request)
        have = version_of(request, "have")
        if have == classroom.changed.number and not self.classrooms.stopping:
            await classroom.changed.changed(WAIT_SECONDS)
        if have == classroom.changed.number:
            return Response(status_code=204)
        under_way = classroom.now_at
        content = {
            "version": classroom.changed.number,
            "moved": classroom.moved.number,
            "place": classroom.place,
            "places": len(classroom.steps),
            "phase": "over" if classroom.over else under_way.phase,
            "students": classroom.students,
            "predicted": len(under_way.predictions),
        }
        if version_of(request, "moved") != classroom.moved.number:
            content["html"] = self._part(classroom, teacher=True)
        return JSONResponse(content)

    async def move(self, request: Request) -> Response:
        """Make a move of the teacher's, if the class still is at the step that they saw."""
        classroom = self._led_or_refused(request)
        content = await parse_object(await request.body())
        if content.get("place") != classroom.place:
            raise NotNow("The class is at another step already.")
        classroom.make(read_move(content.get("move")), self.classrooms.clock())
        self._measuring.begin(classroom)
        return JSONResponse({"phase": classroom.now_at.phase})

    async def results(self, request: Request) -> Response:
        """Return the results of the class as CSV."""
        classroom = self._led_or_refused(request)
        name = f'attachment; filename="class-{classroom.code}.csv"'
        return Response(results_csv(classroom), media_type="text/csv", headers={"content-disposition": name})

    # --- who asks

    def _led(self, request: Request) -> Classroom | None:
        """Return the class that a request's browser leads."""
        code = read_code(request.path_params["code"])
        classroom, secret = self.classrooms.find(code), request.cookies.get(teacher_cookie(code), "")
        led = classroom is not None and classroom.is_led_by(secret, self.classrooms.clock())
        return classroom if led else None

    def _led_or_refused(self, request: Request) -> Classroom:
        """Return the class that a request's browser leads. Raises Refusal if there is none, or it is another's."""
        classroom = self._led(request)
        if classroom is None:
            raise Refusal(404, "class code", GONE)
        return classroom

    def _joined(self, request: Request) -> tuple[Classroom, str]:
        """Return the class that a request's browser has joined, and the student. Raises Refusal if it has joined none.

        The answer is the same whether there is a class of this code: nobody learns of one without joining.
        """
        code = read_code(request.path_params["code"])
        classroom, token = self.classrooms.find(code), request.cookies.get(student_cookie(code), "")
        student = classroom.student(token, self.classrooms.clock()) if classroom else ""
        if classroom is None or not student:
            raise Refusal(404, "class code", GONE)
        return classroom, student

    def _part(self, classroom: Classroom, *, teacher: bool) -> str:
        """Return what all students, or the teacher, see of the step under way: made once for all of them."""
        kept, version = self._parts.setdefault(classroom, {}), classroom.moved.number
        if kept.get(teacher, (0, ""))[0] != version:
            kept[teacher] = version, step_part(classroom, teacher=teacher)
        return kept[teacher][1]


@cache
def file_content(name: str, *, compressed: bool) -> bytes:
    """Return a file of these pages, which is read once."""
    content = (FILES / name).read_bytes()
    return gzip.compress(content) if compressed else content


def told(handler: Handler) -> Handler:
    """Return a handler whose refusals are told in words."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Refusal as refusal:
            refused(refusal.reason)
            return refusal.response()
        except NotNow as error:
            return JSONResponse({"detail": str(error)}, 409)
        except ParameterError as error:
            return JSONResponse({"detail": str(error)}, 400)

    return answer


def own_part(under_way: ClassStep, student: str, *, over: bool = False) -> dict[str, str]:
    """Return what one student alone sees: the own prediction, and how it compares once the step is revealed."""
    answer = under_way.predictions.get(student)
    if answer is None or over:
        return {"own": "", "difference": ""}
    words = under_way.step.prediction.words(answer)
    if isinstance(under_way.step.prediction, ChoicePrediction):
        words = f"“{words}”"  # it begins with a capital, and stands inside of sentences
    measured = under_way.measured if under_way.phase is Phase.REVEALED else None
    return {"own": words, "difference": reveal(under_way.step, answer, measured).difference if measured else ""}


def teacher_cookie(code: str) -> str:
    """Return the name of the cookie that a class's teacher is known by."""
    return f"lab-teacher-{code}"


def student_cookie(code: str) -> str:
    """Return the name of the cookie that a student of a class is known by, to that class and for a few hours."""
    return f"lab-student-{code}"


def set_cookie(request: Request, response: Response, name: str, value: str) -> None:
    """Set a cookie that no script can read."""
    secure = address_of(request.scope).startswith("https")
    response.set_cookie(name, value, max_age=COOKIE_SECONDS, httponly=True, samesite="lax", secure=secure)


def address_from(request: Request) -> str:
    """Return the network address that a request comes from, as the gate has found it."""
    return request.client.host if request.client else ""


def version_of(request: Request, name: str) -> int:
    """Return the version that a request says its page has; 0 if it says none."""
    text = request.query_params.get(name, "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
