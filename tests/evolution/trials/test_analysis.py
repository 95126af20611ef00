"""The analyst measures what a trial left, in a process of its own, and says clearly when it cannot."""

import pytest

from evolution.base.errors import Cancelled
from evolution.trials.analysis import AnalysisError, analyse, evidence_mounts

pytestmark = pytest.mark.process


def test_the_analyst_measures_a_trial(bench):
    trial = bench.run()
    measurements = {
        measurement.code: measurement for measurement in analyse(bench.request().folder, bench.data)
    }
    assert measurements["weaker-than-popularity"].value == pytest.approx(trial.metrics["NDCG@10"].value)
    assert not any(measurement.self_reported for measurement in measurements.values())


def test_no_test_question_and_no_test_label_is_evidence(bench):
    bench.run()
    sources = [mount.source for mount in evidence_mounts(bench.request().folder, bench.data)]
    assert not any(source.name.startswith("test") for source in sources)
    assert not any((bench.data.folder / "labels" / "test.npy").is_relative_to(source) for source in sources)


def test_a_trial_without_artifacts_cannot_be_analysed(bench):
    bench.run(bench.changed(("1.0 / (epoch + 1)", "float('nan')")))
    (bench.request().folder / "artifacts").mkdir(exist_ok=True)
    with pytest.raises(AnalysisError, match=r"top_items\.npy"):
        analyse(bench.request().folder, bench.data)


def test_cancelling_ends_the_analyst(bench):
    bench.run()
    with pytest.raises(Cancelled):
        analyse(bench.request().folder, bench.data, cancelled=lambda: True)


@pytest.mark.parametrize(
    "table", ["np.zeros((n, 0))", "np.full((n, 3), np.nan)", "np.full((n, 3), np.inf)", "np.zeros((n, 3))"]
)
def test_strange_embeddings_are_measured_or_said_to_be_none(bench, table):
    """One probe that cannot judge them takes no other with it, and none of them the job."""
    text = bench.changed(
        (
            "    def state_dict",
            f"    def item_embeddings(self):\n        n = len(self.table)\n        return {table}\n\n    def state_dict",
        )
    )
    trial = bench.run(text)
    assert trial.status == "complete", trial.failure
    codes = {measurement.code for measurement in analyse(bench.request().folder, bench.data)}
    assert "weaker-than-popularity" in codes
