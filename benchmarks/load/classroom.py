"""A class under load: students who join, predict and see the reveal together, on the routes of the class's pages."""

import asyncio
import csv
import json
import random
import time
from urllib.parse import urlencode

from benchmarks.load.notes import Notes
from benchmarks.load.wire import Wire

LESSON, STEPS = "misses", (("first", 10, 1), ("one-more", 10, 1), ("recall", 1, 0.05))  # largest answer, and its step
ARRIVING = 40  # students who load the page in the same moment, every second
FORM = "application/x-www-form-urlencoded"


class Pupil:
    """A student's browser: it asks for the state all the time, as the page does, and notes when it sees a reveal."""

    def __init__(self, port, number, notes, code):
        self.wire, self.number, self.notes, self.path = Wire(port), number, notes, f"/class/{code}"
        self.random, self.state, self.seen, self.given = random.Random(number), {"version": 0}, {}, {}

    async def join(self, after=0):
        """Load the page after some seconds, join, and see the step under way."""
        await asyncio.sleep(after)
        start = time.perf_counter()
        for path in (self.path, "/class/files/class.css", "/class/files/live.js", "/class/files/student.js"):
            await self._ask("GET", path)
        await self._ask("POST", f"{self.path}/join", b"{}")
        await self._look()
        self.notes.took("join", time.perf_counter() - start)

    async def follow(self):
        """Ask for the state until the class is over."""
        while self.state.get("phase") != "over":
            await self._look()
            self.seen.setdefault((self.state["step"], self.state["phase"]), time.perf_counter())

    async def predict(self, step, most, unit, think):
        """Predict after some thought."""
        await asyncio.sleep(self.random.uniform(0, think))
        self.given[step] = round(self.random.randint(0, round(most / unit)) * unit, 6)
        start = time.perf_counter()
        await self._ask("POST", f"{self.path}/predict", json.dumps({"step": step, "value": self.given[step]}).encode())
        self.notes.took("predict", time.perf_counter() - start)

    async def _look(self):
        answer = await self._ask("GET", f"{self.path}/state?have={self.state['version']}", wanted=(200, 204))
        if answer.status not in (200, 204):
            raise ConnectionError(f"student {self.number} is not in the class: {answer}")
        if answer.status == 200:
            self.state = json.loads(answer.body)

    async def _ask(self, method, path, body=b"", wanted=(200,)):
        answer = await self.wire.request(method, path, body)
        if answer.status not in wanted:
            self.notes.failures.append((self.number, "class", f"{method} {path}: {answer.status} {answer.body[:100]}"))
        return answer


async def lesson(port, *, students, think=8.0, late=3):
    """Let a teacher lead a class through a lesson; return the notes, of which each failure is something lost.

    Forty students a second join. think: seconds within which all predict. late: those of the students who join
    at once after the first reveal.
    """
    notes, teacher = Notes(), Wire(port)
    started = await teacher.request("POST", "/class", urlencode({"lesson": LESSON}).encode(), FORM)
    code = next(name for name in teacher.cookies if name.startswith("lab-teacher-")).rpartition("-")[2]
    assert started.status == 303, started
    pupils = [Pupil(port, number, notes, code) for number in range(students - late)]
    await asyncio.gather(*(pupil.join(after=pupil.number // ARRIVING) for pupil in pupils))
    following = [asyncio.create_task(pupil.follow()) for pupil in pupils]
    leading = asyncio.create_task(_lead(teacher, code))
    for place, (step, most, unit) in enumerate(STEPS):
        await asyncio.gather(*(pupil.predict(step, most, unit, think) for pupil in pupils))
        await _reveal(teacher, code, place, step, pupils, notes)
        if place == 0:
            more = [Pupil(port, number, notes, code) for number in range(students - late, students)]
            await asyncio.gather(*(pupil.join() for pupil in more))
            following += [asyncio.create_task(pupil.follow()) for pupil in more]
            pupils += more
        await _move(teacher, code, "next" if place + 1 < len(STEPS) else "end", place)
    await asyncio.gather(*following, leading)
    await _check_results(teacher, code, pupils, notes)
    for wire in (teacher, *(pupil.wire for pupil in pupils)):
        await wire.close()
    return notes


async def _reveal(teacher, code, place, step, pupils, notes):
    """Reveal a step, and note how long it takes until each student sees it, with the own prediction beside it."""
    start = time.perf_counter()
    await _move(teacher, code, "reveal", place)
    async with asyncio.timeout(600):
        while not all((step, "revealed") in pupil.seen for pupil in pupils):
            await asyncio.sleep(0.01)
    waited = any((step, "measuring") in pupil.seen for pupil in pupils)
    for pupil in pupils:
        notes.took("reveal, measured at that time" if waited else "reveal", pupil.seen[step, "revealed"] - start)
        if bool(pupil.state.get("own")) != (step in pupil.given):
            notes.failures.append((pupil.number, "class", f"own prediction of {step}: {pupil.state.get('own')!r}"))


async def _move(teacher, code, move, place):
    answer = await teacher.request("POST", f"/class/{code}/move", json.dumps({"move": move, "place": place}).encode())
    assert answer.status == 200, answer


async def _lead(teacher, code):
    """Ask for the class's counts as the teacher's page does."""
    state = {"version": 0, "moved": 0}
    while state.get("phase") != "over":
        query = f"have={state['version']}&moved={state['moved']}"
        answer = await teacher.request("GET", f"/class/{code}/lead?{query}")
        if answer.status == 200:
            state = json.loads(answer.body)
        await asyncio.sleep(0.4)


async def _check_results(teacher, code, pupils, notes):
    """Compare the results that are downloaded with what was predicted: nothing may be lost."""
    answer = await teacher.request("GET", f"/class/{code}/results.csv")
    rows = list(csv.DictReader(answer.body.decode().splitlines()))
    for step, *_ in STEPS:
        found = sorted(float(row["prediction"]) for row in rows if row["name"] == step)
        given = sorted(float(pupil.given[step]) for pupil in pupils if step in pupil.given)
        if found != given:
            notes.failures.append((0, "class", f"{step}: {len(given)} predicted, the results have {len(found)}"))
