"""Cleaning of text, so that UTF-8 can encode it and every later step can read it."""

import re

SURROGATES = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can carry but neither UTF-8 nor a tokenizer accepts, by U+FFFD."""
    try:
        text.encode()  # a hundred times as fast as the search
    except UnicodeEncodeError:
        return SURROGATES.sub("\ufffd", text)
    return text


def clean_text(text: str) -> str:
    """Return a text that every later step accepts: line feeds only, no NUL, nothing that UTF-8 cannot encode."""
    return replace_surrogates(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
