"""`evolverec export --to mlflow`: what it refuses, and, where the extra is installed, what MLflow itself reads back."""

import math
import sys

import pytest

from server.cli.mlflow_export import _figure
from tests.cli.report_store import fill


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "--to mlflow needs --out FILE.db, or --tracking-uri URI"),
        (("--out", "a.db", "--tracking-uri", "http://127.0.0.1:9"), "not both"),
        (("--out", "a.db", "--force"), "--force is not for --to mlflow"),
    ],
)
def test_a_store_is_named_once(evolverec, repo, words, said):
    done = evolverec("export", repo, "--to", "mlflow", *words)
    assert done.code == 2 and said in done.err


def test_an_address_is_not_for_tables(evolverec, repo, tmp_path):
    done = evolverec("export", repo, "--out", tmp_path / "t", "--tracking-uri", "http://127.0.0.1:9")
    assert done.code == 2 and not (tmp_path / "t").exists()


def test_names_are_those_that_mlflow_takes_and_what_is_no_number_is_left_out():
    (figure,) = _figure("validation/NDCG@10", 0.25, 3)
    assert (figure.name, figure.value, figure.step) == ("validation/NDCG_at_10", 0.25, 3)
    assert list(_figure("loss", math.nan)) == list(_figure("loss", None)) == []


def test_without_the_extra_its_name_is_said(evolverec, repo, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    done = evolverec("export", repo, "--to", "mlflow", "--out", tmp_path / "a.db")
    assert done.code == 2 and "evolverec[mlflow]" in done.err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of MLflow's own
def test_mlflow_reads_back_what_was_measured_once_however_often_it_is_written(
    evolverec, repo, proposal, tmp_path, monkeypatch
):
    mlflow = pytest.importorskip("mlflow", reason="the extra evolverec[mlflow], 150 MB, is not installed")
    file = tmp_path / "runs.db"
    for _ in range(2):
        document = evolverec("export", repo, "--to", "mlflow", "--out", file, "--json").document
        assert (document["trials"], document["runs"], document["experiment"]) == (1, 0, repo.name)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{file}", registry_uri=tmp_path.as_uri())
    experiment = client.get_experiment_by_name(repo.name)
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.info.run_name == f"trial {proposal.trials[0]}"
    assert run.data.metrics["validation/NDCG_at_10"] == pytest.approx(0.17)
    assert run.data.metrics["validation/NDCG_at_10/low"] == pytest.approx(0.16)
    assert run.data.params["device"] == "cpu/1"
    assert len(client.get_metric_history(run.info.run_id, "validation/NDCG_at_10")) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_run_of_evolution_is_a_run_with_its_objective_by_candidate(evolverec, repo, tmp_path):
    mlflow = pytest.importorskip("mlflow", reason="the extra evolverec[mlflow], 150 MB, is not installed")
    fill(repo)
    file = tmp_path / "runs.db"
    told = evolverec("export", repo, "--to", "mlflow", "--out", file, "--json").document
    assert told["runs"] == 1 and told["trials"] > 1
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{file}", registry_uri=tmp_path.as_uri())
    experiment = client.get_experiment_by_name(repo.name).experiment_id
    found = client.search_runs([experiment])
    assert len(found) == told["runs"] + told["trials"]
    (run,) = [one for one in found if one.info.run_name.startswith("run ")]
    history = client.get_metric_history(run.info.run_id, "objective")
    assert len(history) > 1 and len({one.step for one in history}) == len(history)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_store_that_cannot_be_used_is_named(evolverec, repo, tmp_path):
    pytest.importorskip("mlflow", reason="the extra evolverec[mlflow], 150 MB, is not installed")
    done = evolverec("export", repo, "--to", "mlflow", "--tracking-uri", "nowhere://x")
    assert done.code == 2 and "nowhere://x cannot be written to" in done.err
