"""Measuring for a class: a step is measured once, in the build queue, from when it is opened until it is revealed."""

import asyncio
from weakref import WeakKeyDictionary

from retriever.errors import Cancelled, RetrieverError, shortage
from retriever.turns import OWNER, Owner
from ui.classroom.classroom import Classroom, ClassStep, Phase
from ui.jobs.watching import result_of
from ui.lessons.measuring import LessonMeasurements
from ui.log import log_failure

FAULT = "This step could not be measured: the lab has a fault here, which its log names."


class ClassMeasurements:
    """The measurements that classes wait for; students never ask for any."""

    def __init__(self, measurements: LessonMeasurements) -> None:
        """Store where the measurements of lessons are made."""
        self._measurements = measurements
        self._tasks: WeakKeyDictionary[ClassStep, asyncio.Task[None]] = WeakKeyDictionary()

    def begin(self, classroom: Classroom) -> None:
        """Begin to measure the step under way, unless that has begun, has ended well, or has failed and is not wanted.

        A step that the class has left is not waited for any longer, unless it is to be revealed.
        """
        for other in classroom.steps:
            task = self._tasks.get(other)
            if task is not None and other is not classroom.now_at and other.phase is not Phase.MEASURING:
                task.cancel()
        under_way = classroom.now_at
        running = self._tasks.get(under_way)
        if classroom.over or under_way.measured or (running is not None and not running.done()):
            return
        if under_way.problem and under_way.phase is not Phase.MEASURING:
            return
        self._tasks[under_way] = asyncio.get_running_loop().create_task(self._measure(classroom, under_way))

    async def _measure(self, classroom: Classroom, under_way: ClassStep) -> None:
        """Measure a step and tell the class; what goes wrong is told in words."""
        OWNER.set(Owner(classroom.address, f"class {classroom.code}"))
        try:
            job = self._measurements.submit(classroom.lesson, under_way.step)
            classroom.take_measured(under_way, await result_of(job))
        except Cancelled as error:
            classroom.take_failure(under_way, str(error))
        except RetrieverError as error:
            classroom.take_failure(under_way, f"This step could not be measured: {error}")
        except Exception as error:  # of whatever kind: the class waits for it
            log_failure("fault", error, handler="class measurement")
            classroom.take_failure(under_way, shortage(error) or FAULT)
