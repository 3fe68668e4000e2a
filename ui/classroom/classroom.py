"""One class under way: its lesson's steps, its students, and what they predicted. Independent of the web server."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from retriever.errors import ParameterError, RetrieverError
from ui.classroom.codes import digest, new_token
from ui.classroom.version import Version
from ui.lessons.lesson import Lesson, Step
from ui.lessons.measurements.measured import Measured
from ui.render.predictions import Answer

GONE_SECONDS = 120.0  # seconds after which a student who has predicted nothing makes room in a full class
FULL = "This class is full: {most} students have joined. Look at the projector, and ask your teacher."
OVER = "This class is over."
MOVED_ON = "The class has moved on to another step; this prediction was not taken."
STANDS = "Predictions are closed; the one that you made before stands."
TOO_LATE = "Predictions are closed; yours came too late."


class NotNow(RetrieverError):
    """What a class does not take at this moment; the message says why."""


class Phase(StrEnum):
    """The state of a step."""

    PREDICTING = "predicting"
    CLOSED = "closed"
    MEASURING = "measuring"  # the reveal was asked for, and follows as soon as the measurement has ended
    REVEALED = "revealed"


class Move(StrEnum):
    """What a teacher may do."""

    CLOSE = "close"
    OPEN = "open"
    REVEAL = "reveal"
    NEXT = "next"
    BACK = "back"
    END = "end"


@dataclass(eq=False)
class ClassStep:
    """A step as a class takes it.

    predictions: the last one of each student. measured: once it was measured, for the whole class. problem: why it
    could not be measured, in words; empty if it was not tried, or went well.
    """

    step: Step
    phase: Phase = Phase.PREDICTING
    predictions: dict[str, Answer] = field(default_factory=dict)
    measured: Measured | None = None
    problem: str = ""


class Classroom:
    """A class from its start to its end. Students are known by a token that only their browser has, without names.

    moved: changes with whatever all students see; changed: with that, and with how many have joined or predicted.
    """

    def __init__(self, code: str, lesson: Lesson, secret: str, now: float, *, address: str = "") -> None:
        """Start with the first step. secret: the teacher's, of which a digest is kept; address: it was started from."""
        self.code, self.lesson, self.address, self.began = code, lesson, address, now
        self._secret = digest(secret)
        self.steps: Sequence[ClassStep] = [ClassStep(step) for step in lesson.steps]
        self.place = 0  # of the step under way
        self.ended: float | None = None
        self.ended_at: datetime | None = None  # the same as a date, for people
        self.teacher_seen = now
        self.moved, self.changed = Version(), Version()
        self._seen: dict[str, float] = {}  # when each student was last here

    @property
    def now_at(self) -> ClassStep:
        """The step under way."""
        return self.steps[self.place]

    @property
    def students(self) -> int:
        """The number of students who have joined."""
        return len(self._seen)

    @property
    def over(self) -> bool:
        """Whether the class has ended."""
        return self.ended is not None

    def is_led_by(self, secret: str, now: float) -> bool:
        """Return whether a secret is the teacher's, who then is here."""
        if not secrets.compare_digest(digest(secret), self._secret):
            return False
        self.teacher_seen = now
        return True

    # --- students

    def student(self, token: str, now: float) -> str:
        """Return the name that a student's token stands for, and record that they are here; empty if it is unknown."""
        name = digest(token)
        if name not in self._seen:
            return ""
        self._seen[name] = now
        return name

    def join(self, token: str, now: float, most: int) -> str:
        """Return the token of a student, a new one if theirs is unknown. Raises NotNow if the class is over or full."""
        if self.student(token, now):
            return token
        if self.over:
            raise NotNow(OVER)
        if self.students >= most:
            self._make_room(now)
        if self.students >= most:
            raise NotNow(FULL.format(most=most))
        token = new_token()
        self._seen[digest(token)] = now
        self.changed.change()
        return token

    def predict(self, name: str, step: str, value: object) -> Answer:
        """Take a student's prediction for a step in place of an earlier one, and return it as it was read.

        Raises NotNow if predictions for that step are not taken now, ParameterError if it is none.
        """
        under_way = self.now_at
        if self.over:
            raise NotNow(OVER)
        if step != under_way.step.name:
            raise NotNow(MOVED_ON)
        if under_way.phase is not Phase.PREDICTING:
            raise NotNow(STANDS if name in under_way.predictions else TOO_LATE)
        answer = under_way.step.prediction.read(value)
        under_way.predictions[name] = answer
        self.changed.change()
        return answer

    def wake(self) -> None:
        """Answer all who wait for a change."""
        self.moved.change()
        self.changed.change()

    def last_seen(self) -> float:
        """Return when the teacher or a student was here last."""
        return max([self.teacher_seen, *self._seen.values()])

    def _make_room(self, now: float) -> None:
        """Forget students who have left without a prediction."""
        stay = {name for step in self.steps for name in step.predictions}
        self._seen = {name: seen for name, seen in self._seen.items() if name in stay or now - seen < GONE_SECONDS}

    # --- the teacher

    def make(self, move: Move, now: float) -> None:
        """Make a teacher's move. Raises NotNow if the class is over or the step does not allow it."""
        if self.over:
            raise NotNow(OVER)
        under_way, phase = self.now_at, self.now_at.phase
        if move is Move.END:
            self.end(now)
        elif move is Move.CLOSE and phase is Phase.PREDICTING:
            under_way.phase = Phase.CLOSED
        elif move is Move.OPEN and phase is Phase.CLOSED:
            under_way.phase = Phase.PREDICTING
        elif move is Move.REVEAL and phase in (Phase.PREDICTING, Phase.CLOSED):
            under_way.phase = Phase.MEASURING if under_way.measured is None else Phase.REVEALED
        elif move is Move.NEXT and self.place + 1 < len(self.steps):
            self.place += 1
        elif move is Move.BACK and self.place > 0:
            self.place -= 1
        else:
            raise NotNow(f"This step is {phase}; “{move}” is not possible now.")
        self.wake()

    def end(self, now: float) -> None:
        """End the class; nothing is taken any more."""
        if not self.over:
            self.ended, self.ended_at = now, datetime.now(UTC)
            self.wake()

    def take_measured(self, under_way: ClassStep, measured: Measured) -> None:
        """Take the measurement of a step, which is revealed if that was asked for."""
        under_way.measured, under_way.problem = measured, ""
        if under_way.phase is Phase.MEASURING:
            under_way.phase = Phase.REVEALED
            self.wake()

    def take_failure(self, under_way: ClassStep, words: str) -> None:
        """Take that a step could not be measured; its predictions stay closed if it was to be revealed."""
        under_way.problem = words
        if under_way.phase is Phase.MEASURING:
            under_way.phase = Phase.CLOSED
            self.wake()


def read_move(value: object) -> Move:
    """Return a move by its name. Raises ParameterError if there is none."""
    try:
        return Move(str(value))
    except ValueError:
        raise ParameterError(f"There is no move {value!r:.40}; it is one of: {', '.join(Move)}.") from None
