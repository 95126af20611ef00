"""Every kind of job that a terminal can start while an editor is open is one that the editor can follow."""

import pytest

from evolution.domain.job import JobKind
from server.lsp.progress import JobProgress


@pytest.mark.parametrize("kind", list(JobKind))
def test_a_job_of_any_kind_has_words_for_its_progress(kind: JobKind):
    assert str(JobProgress(kind=kind, fraction=0.5)).endswith(" 50 %")
