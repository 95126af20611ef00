"""What of a repo is laid out for a worker."""

from dataclasses import replace

from evolution.repo.config import Config, DataSection, RecommenderSection
from evolution.trials.workspace import copy_program


def test_a_log_inside_the_repo_is_not_part_of_what_the_worker_sees(bench):
    (bench.repo / "data").mkdir()
    (bench.repo / "data" / "own.inter").write_text("user_id:token\titem_id:token\n")
    bench.write("x = 1\n")
    config = Config(
        recommender=RecommenderSection(entry="model:build"), data=DataSection(source="data/own.inter")
    )
    target = bench.repo.parent / "copy"
    copy_program(replace(bench.request(), config=config), target)
    assert (target / "model.py").exists()
    assert not (target / "data" / "own.inter").exists()
