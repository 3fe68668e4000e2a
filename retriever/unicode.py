"""Cleaning of text, so that UTF-8 can encode it and every later step can read it."""

import re
import unicodedata
from typing import Literal

import regex

MANY_MARKS = regex.compile(r"(\p{M}{30})\p{M}+")
SURROGATES = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can carry but neither UTF-8 nor a tokenizer accepts, by U+FFFD."""
    try:
        text.encode()  # a hundred times as fast as the search
    except UnicodeEncodeError:
        return SURROGATES.sub("\ufffd", text)
    return text


def normalize(form: Literal["NFC", "NFD"], text: str) -> str:
    """Return a text in one of Unicode's normal forms; of marks on one character, thirty are kept.

    Python puts them in order by insertion, whose time grows with the square of their number. Thirty are what Unicode's
    stream-safe text format (UAX #15) allows.
    """
    return unicodedata.normalize(form, text if text.isascii() else MANY_MARKS.sub(r"\1", text))


def clean_text(text: str) -> str:
    """Return a text that every later step accepts: line feeds only, no NUL, nothing that UTF-8 cannot encode."""
    return replace_surrogates(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
