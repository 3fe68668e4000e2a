"""Codes of classes, tokens of browsers, and a limit on wrong codes, so that no code is found by trying."""

import hashlib
import secrets
import time
from collections import Counter
from collections.abc import Callable

LETTERS = "23456789CDFGHJKMNPQRTVWX"  # none that looks like another, and no vowels, so that no code is a word
LENGTH = 6  # of a code: one of 191 million
WINDOW_SECONDS = 60.0
MOST_WRONG = 40  # wrong codes from one address in a window; a whole school may have one address
MOST_WRONG_OF_ALL = 400  # wrong codes in a window, after which only an address without one may try
MOST_ADDRESSES = 10_000  # addresses with a wrong code in a window


def new_code() -> str:
    """Return a code that nobody can foresee."""
    return "".join(secrets.choice(LETTERS) for _ in range(LENGTH))


def read_code(text: str) -> str:
    """Return a code as it may be typed, with spaces, hyphens or small letters; empty if it cannot be one."""
    code = "".join(text.split()).replace("-", "").upper()
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else ""


def spaced(code: str) -> str:
    """Return a code as people read it, in two halves."""
    return f"{code[: LENGTH // 2]} {code[LENGTH // 2 :]}"


def new_token() -> str:
    """Return what a browser is known by: nobody can guess it."""
    return secrets.token_urlsafe(24)


def digest(token: str) -> str:
    """Return what is kept of a token: it cannot be turned back into the token."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


class WrongCodes:
    """The wrong codes of the present window, of each address and of all."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Start without any; clock: returns seconds."""
        self._clock = clock
        self._window, self._count = 0, 0
        self._by_address: Counter[str] = Counter()

    def may_try(self, address: str) -> bool:
        """Return whether an address may try a code; a right one is not taken either from an address that may not."""
        self._begin_window()
        mine = self._by_address[address]
        if not mine:
            return len(self._by_address) < MOST_ADDRESSES
        return mine < MOST_WRONG and self._count < MOST_WRONG_OF_ALL

    def add(self, address: str) -> None:
        """Record that an address has tried a wrong code."""
        self._begin_window()
        self._by_address[address] += 1
        self._count += 1

    def _begin_window(self) -> None:
        window = int(self._clock() // WINDOW_SECONDS)
        if window != self._window:
            self._window, self._count = window, 0
            self._by_address.clear()
