"""Why a model could not be fetched from the Hub, what to do, and what was kept: the words of the error."""

from http import HTTPStatus

from retriever.encoders.catalogue import MODELS, ModelCard
from retriever.errors import ModelError, RetrieverError, shortage

BY_STATUS = {  # status of the Hub's answer -> why, and what to do
    401: (
        "the Hub gives it only to accounts that may read it, or has no such model (401)",
        "Check the name; of a gated model ask for access on its page, and set HF_TOKEN to a token of your account",
    ),
    403: (
        "the Hub gives it only to accounts that were granted access (403)",
        "Ask for access on the model's page, and set HF_TOKEN to a token of your account",
    ),
    404: ("the Hub has no such model, or a private one (404)", "Check the name"),
}


class DamagedFileError(Exception):
    """Error raised when a file that came is not the one that the Hub describes."""


def fetch_error(card: ModelCard, error: Exception, kept: str) -> RetrieverError:
    """Return the error to raise for what the Hub's client has raised; kept: what of the model is kept, in words."""
    if isinstance(error, RetrieverError):
        return error
    reason, advice = _reason_and_advice(card, error)
    packaged = ", ".join(name for name, known in MODELS.items() if known.packaged)
    return ModelError(
        f"The model {card.name} could not be fetched from the Hugging Face Hub: {reason}. {advice}, or choose a "
        f"packaged model: {packaged}. {kept}"
    )


def _reason_and_advice(card: ModelCard, error: Exception) -> tuple[str, str]:
    """Return why a model could not be fetched, and what to do, without a full stop."""
    from huggingface_hub.errors import (
        GatedRepoError,
        HfHubHTTPError,
        HFValidationError,
        OfflineModeIsEnabled,
        RevisionNotFoundError,
    )

    causes = _causes(error)
    answer = next((cause for cause in causes if isinstance(cause, HfHubHTTPError)), None)
    if lacking := shortage(error):
        return lacking, "Make room for it, and try again"
    if isinstance(error, TimeoutError):
        return str(error), "Try again later"
    if isinstance(error, DamagedFileError):
        return f"{error}, so it was deleted", "Try again: it may have been damaged on its way"
    if isinstance(error, HFValidationError):
        return "this is no name of a model on the Hub", "Write it as OWNER/NAME"
    if any(isinstance(cause, OfflineModeIsEnabled) for cause in causes):
        return "this program is told to stay offline (HF_HUB_OFFLINE)", "Unset that variable and start it again"
    if isinstance(answer, RevisionNotFoundError):
        return f"it has no commit or branch {card.revision!r} there (404)", "Correct or leave out what follows the @"
    if answer is not None:
        headers, status = answer.response.headers, answer.response.status_code
        return BY_STATUS[403] if isinstance(answer, GatedRepoError) else _of_answer(status, headers.get("Retry-After"))
    if isinstance(error, OSError) and error.errno:
        return f"its files cannot be stored ({error.strerror})", "Give this program a cache it may write to (HF_HOME)"
    return f"the connection failed ({type(causes[-1]).__name__})", "Check the network and try again"


def _of_answer(status: int, retry_after: str | None) -> tuple[str, str]:
    """Return what the status of the Hub's answer means, and what to do; retry_after: the header of that name."""
    if status in BY_STATUS:
        return BY_STATUS[status]
    again = f"in {retry_after} seconds" if retry_after and retry_after.isdigit() else "in some minutes"
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "the Hub takes no more requests from here for now (429)", f"Try again {again}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"the Hub has a fault of its own at present ({status})", f"Try again {again}"
    return f"the Hub refuses it ({status})", "Check the name"


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and those that led to it, the first of them last."""
    causes = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) is not None and cause not in causes:
        causes.append(cause)
    return causes
