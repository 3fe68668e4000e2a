"""Text that UTF-8 can hold and every later step can read."""

import re

SURROGATES = re.compile("[\ud800-\udfff]")


def replace_surrogates(text: str) -> str:
    """Replace lone surrogates, which JSON can carry and neither UTF-8 nor a tokenizer takes, by U+FFFD."""
    return SURROGATES.sub("\ufffd", text)


def clean_text(text: str) -> str:
    """Make a text fit for every later step: line feeds, no NUL, nothing that UTF-8 cannot hold."""
    return replace_surrogates(text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", ""))
