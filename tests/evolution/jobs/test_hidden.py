"""What is hidden of a feedback; a baseline that is wrong stops a job before it trains."""

from types import SimpleNamespace
from typing import Any

import pytest

from evolution.base.errors import ConfigError
from evolution.domain.job import JobKind
from evolution.domain.request import REQUESTS
from evolution.jobs.work import work_of

HIDING = (JobKind.TRAIN, JobKind.DIAGNOSE, JobKind.SIMULATE, JobKind.IMPROVE)


@pytest.mark.parametrize("kind", HIDING)
def test_a_wrong_baseline_is_said_before_anything_is_trained(tmp_path, kind):
    (tmp_path / "evolverec.baseline.toml").write_text("accepted = 3\n")
    nothing: Any = SimpleNamespace(
        repo=tmp_path
    )  # a job that asked for more of it would fail by another error
    with pytest.raises(ConfigError, match=r"^evolverec\.baseline\.toml:1: "):
        work_of(kind)(nothing, REQUESTS[kind]())
