"""Values that visitors and programs send: checked before anything else is done with them."""

from retriever.errors import ParameterError
from retriever.unicode import clean_text
from ui.settings import limits


def whole_number(name: str, value: object) -> int:
    """Return a control's value as an int; programs may send anything. Raises ParameterError for no whole number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not float(value).is_integer():
        raise ParameterError(f"{name} is {value!r}; it must be a whole number.")
    return int(value)


def check_question(question: str | None) -> str:
    """Return a question cleaned and without white space around it. Raises ParameterError for an empty or a long one."""
    asked, most = clean_text(question or "").strip(), limits().question_characters
    if not asked:
        raise ParameterError("The question is empty; type one, or choose an example below it.")
    if len(asked) > most:
        raise ParameterError(f"The question has {len(asked):,} characters; at most {most:,} are taken. Shorten it.")
    return asked
