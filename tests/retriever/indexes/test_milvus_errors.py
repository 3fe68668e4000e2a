"""Words of Milvus, of gRPC and of pymilvus: which of them say that there was no answer."""

import re

import grpc
import pytest

from retriever.indexes.milvus.errors import is_no_answer, words_for


@pytest.mark.parametrize(
    ("code", "said", "no_answer", "words"),
    [
        (grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded", True, "has not answered within 5 seconds"),
        (grpc.StatusCode.UNAVAILABLE, "Connection refused", True, "cannot be reached while loading"),
        (2, "Fail connecting to server on host:19530", True, "cannot be reached while loading"),
        (1, "[load_collection] Retry timeout: 4.2s, message=[]", True, "has not answered within 5 seconds"),
        (1, "[load_collection] Retry timeout: 4.2s, StatusCode.INTERNAL, no", False, "refused loading: .*INTERNAL, no"),
        (grpc.StatusCode.PERMISSION_DENIED, "no", False, "refuses this user"),
        (8, "rate limit exceeded", False, "refused loading: rate limit exceeded"),
    ],
)
def test_no_answer_is_told_from_a_refusal(code, said, no_answer, words):
    assert is_no_answer(code, said) is no_answer
    shown = words_for("http://host:19530", 5, "loading", code, said)
    assert re.match(f"The Milvus server at http://host:19530 {words}", shown)
