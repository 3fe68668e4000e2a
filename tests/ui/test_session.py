"""Tests of the session."""

import pytest

from retriever.errors import CollectionError
from ui.session import Session


def test_an_empty_session_has_nothing_loaded_and_equals_no_other_visitors():
    with pytest.raises(CollectionError, match="being prepared"):
        Session().loaded()
    assert Session() != Session()
