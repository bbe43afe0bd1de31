from __future__ import annotations

import pytest

from resolver.wire import types


@pytest.mark.parametrize("number", range(32))
def test_a_response_code_is_read_as_it_is_written(number: int) -> None:
    assert types.rcode_from_text(types.rcode_to_text(number)) == number
    assert types.rcode_from_text(types.rcode_to_text(number).lower()) == number
    assert types.rcode_from_text(str(number)) == number


@pytest.mark.parametrize("text", ["", "RCODE", "4096", "RCODE4096", "-1", "SERVFIAL", "²", "9" * 5000, "RCODE 3"])
def test_what_is_no_response_code_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no response code"):
        types.rcode_from_text(text)
