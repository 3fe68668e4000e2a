"""Decoding of bytes into text, and what is said of an encoding that was guessed."""

import pytest

from retriever.documents.decoding import decode
from retriever.documents.loading import load_documents


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_an_encoding_that_the_bytes_show_is_no_guess(encoding):
    decoded = decode("Fährt der Bus über die Brücke?".encode(encoding))
    assert (decoded.text, decoded.guessed, decoded.notes) == ("Fährt der Bus über die Brücke?", "", ())


@pytest.mark.parametrize(
    "form", ["{}", "# Plan\n\n{}", "text\n{}\n", '{{"text": "{}"}}'], ids="txt md csv jsonl".split()
)
def test_every_text_format_says_that_the_encoding_is_a_guess(tmp_path, request, form):
    file = tmp_path / f"plan.{request.node.callspec.id}"
    file.write_bytes(form.format("Zażółć gęślą jaźń. Wczoraj był piękny dzień, poszliśmy na spacer.").encode("cp1250"))
    documents = load_documents(file)
    assert "poszliśmy na spacer" in documents[0].text
    (note,) = documents.notes[file.name]
    assert "The encoding is a guess: windows-1250" in note and "save the file as UTF-8" in note
