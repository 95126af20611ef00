"""Trials with known faults, trained once for the tests of this folder.

What the fixtures cost: for each fault that a test asks for a trial in a worker and an analyst, seconds, once in a process.
"""

import pytest

from tests.evolution.coevolution.grounds import Grounds, grounds_in


@pytest.fixture(scope="session")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    with (
        pytest.MonkeyPatch.context() as patch
    ):  # made before the fixture that gives each test its own configuration
        patch.setenv("EVOLVEREC_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        return grounds_in(tmp_path_factory.mktemp("grounds"))
