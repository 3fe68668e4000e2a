"""What a Milvus server or the way to it said, as a sentence that says what happened and what to do."""

import base64
from enum import Enum

COLLECTION_NOT_FOUND = (100, 4)  # codes of Milvus 2.3 and later, and of older ones
NOT_LOADED = 101
DEADLINE, UNAVAILABLE = "DEADLINE_EXCEEDED", "UNAVAILABLE"  # of gRPC
RETRIED = "Retry timeout"  # in a message of pymilvus
SHOWN_REASON = 300  # characters of a server's own message


def words_for(address: str, timeout: float, doing: str, code: object, reason: str) -> str:
    """Return a message for what pymilvus or gRPC raised at an address.

    doing: what was being done, as "searching". code: of Milvus, a number, or of gRPC. reason: what was said.
    """
    status = code.name if isinstance(code, Enum) else ""
    said = " ".join(reason.split())
    server = f"The Milvus server at {address}"
    if is_no_collection(code, said):
        return f"{server} has no such collection ({_short(said)}): it was dropped, or never made. Build it again."
    if status == "UNAUTHENTICATED" or "auth check failure" in said or "PERMISSION_DENIED" in (status, said):
        return f"{server} refuses this user; pass a token, as user:password, of one who may do this."
    if _is_late(status, said):
        return (
            f"{server} has not answered within {timeout:g} seconds while {doing}; see whether it works at something "
            "else, or pass a longer timeout."
        )
    if _is_away(status, said):
        return (
            f"{server} cannot be reached while {doing}: it does not answer as Milvus does. See whether it runs, and "
            "whether it uses TLS (then its address begins with https://). What it has stored stays."
        )
    return f"{server} refused {doing}: {_short(said)}"


def is_no_collection(code: object, reason: str) -> bool:
    """Return whether what was raised means that there is no such collection."""
    return code in COLLECTION_NOT_FOUND or "can't find collection" in reason or "collection not found" in reason


def is_no_answer(code: object, reason: str) -> bool:
    """Return whether what was raised means that the server has not answered, rather than refused."""
    status = code.name if isinstance(code, Enum) else ""
    return _is_late(status, reason) or _is_away(status, reason)


def without_secret(text: str, token: str) -> str:
    """Return a text in which no token stands, nor a part of one, plain or as it is sent."""
    for secret in (token, base64.b64encode(token.encode()).decode(), token.partition(":")[2]):
        if secret:
            text = text.replace(secret, "***")
    return text


def _is_late(status: str, said: str) -> bool:
    """Return whether the time was up, by gRPC's status or, as pymilvus writes it, by the message only."""
    in_vain = RETRIED in said and "StatusCode" not in said  # asked again until then
    return status == DEADLINE or DEADLINE in said or in_vain


def _is_away(status: str, said: str) -> bool:
    """Return whether nothing can be reached there, by gRPC's status or by the message only."""
    return status == UNAVAILABLE or UNAVAILABLE in said or "Fail connecting" in said


def _short(text: str) -> str:
    return text if len(text) <= SHOWN_REASON else f"{text[:SHOWN_REASON]}..."
