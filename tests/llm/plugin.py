"""The scripted endpoint as a fixture, for every folder of tests."""

from collections.abc import Iterator

import pytest

from tests.llm.scripted import ScriptedLlm


@pytest.fixture
def scripted_llm() -> Iterator[ScriptedLlm]:
    """Set its `script` before the first request; `base_url` and `environment()` say how to reach it."""
    server = ScriptedLlm()
    yield server
    server.close()
