"""What the tests of classes share: a real server without a page, whose lessons measure what a test gives."""

import pytest

from tests.support.classes import LESSON, Asker, GivenMeasurements, small_server


@pytest.fixture(scope="module")
def given():
    """The measurements, as they are made for classes."""
    return GivenMeasurements()


@pytest.fixture(scope="module")
def server(given):
    """The server, with a small page in place of the lab's."""
    patch = pytest.MonkeyPatch()
    patch.setattr("ui.hosting.server.LessonMeasurements", lambda samples: given)
    for module in ("ui.lessons.lesson", "ui.classroom.pages"):
        patch.setattr(f"{module}.lessons", lambda: {LESSON.name: LESSON})
    patch.setenv("LAB_MAX_CLASSES", "100")
    with small_server() as server:
        yield server
    patch.undo()


@pytest.fixture
def arrive(server):
    """A function that returns another browser, at a class if its code is given."""
    came = []

    def arrive(code=""):
        came.append(Asker(server.address, code))
        return came[-1]

    yield arrive
    for each in came:
        each.client.close()


@pytest.fixture
def teacher(server, given, arrive):
    """The browser that leads a new class."""
    given.made.clear()
    given.error = None
    given.free.set()
    server.classrooms.wrong_codes._by_address.clear()
    teacher = arrive().start()
    yield teacher
    given.free.set()
    if teacher.lead().get("phase") not in (None, "over"):
        teacher.move("end")


@pytest.fixture
def join(arrive, teacher):
    """A function that lets another browser join the class."""
    return lambda: arrive(teacher.code).join()
