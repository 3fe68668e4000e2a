"""The arguments of the tools: their types, with what programs are told of each, and their checks.

The bounds are those of the page.
"""

import json
import reprlib
from typing import Annotated

from pydantic import Field

from retriever.errors import ParameterError
from retriever.parameters import check_count
from ui.compare.request import JUDGED_SAMPLES
from ui.compare.retrievers.choices import FIRST_CHOICES, RETRIEVERS
from ui.compare.shown.marks import ORDINALS
from ui.inputs import SLIDER_EF_CONSTRUCTION, SLIDER_M, SLIDER_MAX_EF, SLIDER_MAX_K, check_whole_number
from ui.jobs.shared_samples import PREPARED_SAMPLES, SAMPLE_TITLES
from ui.programs.words import PARAMETERS

JUDGED = tuple(JUDGED_SAMPLES.values())
FIRST_TWO = json.dumps(FIRST_CHOICES)  # an example in messages
MOST_STEPS = 100  # steps of a walk in words

Sample = Annotated[
    str,
    Field(
        description=f"The sample to use: {'; '.join(f'{name} ({SAMPLE_TITLES[name]})' for name in PREPARED_SAMPLES)}.",
        json_schema_extra={"enum": list(PREPARED_SAMPLES)},
    ),
]
JudgedSample = Annotated[
    str,
    Field(
        description=f"The sample with judged questions to compare on: {' or '.join(JUDGED)}.",
        json_schema_extra={"enum": list(JUDGED)},
    ),
]
Question = Annotated[str, Field(description=PARAMETERS["question"], min_length=1)]
K = Annotated[int, Field(description=PARAMETERS["k"], ge=1, le=SLIDER_MAX_K)]
Ef = Annotated[int, Field(description=PARAMETERS["ef"], ge=1, le=SLIDER_MAX_EF)]
LinksM = Annotated[int, Field(description=PARAMETERS["M"], ge=SLIDER_M[0], le=SLIDER_M[1])]
EfConstruction = Annotated[
    int, Field(description=PARAMETERS["ef_construction"], ge=SLIDER_EF_CONSTRUCTION[0], le=SLIDER_EF_CONSTRUCTION[1])
]
Retrievers = Annotated[
    list[str],
    Field(
        description=f"Two to four different retrievers: {'; '.join(RETRIEVERS)}; or any other two of those without a "
        "plus, with a plus between them.",
        min_length=2,
        max_length=len(ORDINALS),
    ),
]
Steps = Annotated[
    int,
    Field(
        description=f"Steps of the walk to tell in words, from its first: a whole number from 0 to {MOST_STEPS}.",
        ge=0,
        le=MOST_STEPS,
    ),
]


def check_sample(name: object, names: tuple[str, ...]) -> str:
    """Return the name of a sample. Raises ParameterError for any other value."""
    if not isinstance(name, str) or name not in names:
        raise ParameterError(f"sample is {reprlib.repr(name)}; it must be one of: {', '.join(names)}.")
    return name


def graph_settings(M: object, ef_construction: object) -> tuple[int, int]:
    """Return the settings of a graph. Raises ParameterError unless the page's sliders can have them."""
    found = check_whole_number("M", M), check_whole_number("ef_construction", ef_construction)
    ranges = SLIDER_M, SLIDER_EF_CONSTRUCTION
    for name, value, (low, high) in zip(("M", "ef_construction"), found, ranges, strict=True):
        check_count(name, value, low, high)
    return found


def check_retrievers(names: object) -> list[str]:
    """Return the names of two to four retrievers, which the request checks one by one.

    Raises ParameterError for any other value.
    """
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise ParameterError(f"retrievers is {reprlib.repr(names)}; it must be a list of names, such as {FIRST_TWO}.")
    if not 2 <= len(names) <= len(ORDINALS):
        raise ParameterError(f"retrievers has {len(names)} names; name two to four, such as {FIRST_TWO}.")
    return names


def check_steps(steps: object) -> int:
    """Return how many steps are told. Raises ParameterError unless it is a whole number from 0 to MOST_STEPS."""
    return check_count("steps", check_whole_number("steps", steps), 0, MOST_STEPS)
