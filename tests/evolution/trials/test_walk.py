"""The last rung of a smoke trial: two epochs with the lines counted that run."""

from dataclasses import replace

import pytest

from evolution.domain.trial import FailureReason, TrialStatus
from evolution.repo.config import read_config
from evolution.trials.request import Supervision
from evolution.trials.run import smoke_trial
from tests.evolution.seed import SASREC

pytestmark = pytest.mark.process


def ran(trial, text, *, path="model.py"):
    """The text of every line that ran, stripped."""
    assert trial.status is TrialStatus.COMPLETE, trial.failure
    lines = text.split("\n")
    return {lines[number - 1].strip() for number in trial.note["executed"][path]}


def test_lines_of_import_of_every_epoch_and_of_every_answer_are_counted(bench):
    text = bench.changed(
        (
            '            yield {"loss"',
            '            if epoch == 1:\n                self.second = True\n            yield {"loss"',
        )
    )
    lines = ran(bench.smoke(text), text)
    assert {"class Markov:", "import numpy as np", "self.data = data", "self.second = True"} <= lines
    assert {"return self.table[histories[:, -1]]", 'return {"table": self.table}'} <= lines
    assert {'self.table = state["table"]', "return Markov(data, seed)"} <= lines


def test_lines_that_do_not_run_are_not_counted(bench):
    text = bench.changed(
        ("    def score", "    def unused(self):\n        return 1\n\n    def score"),
        (
            "        return self.table[histories[:, -1]]",
            "        if users is None:\n            return 0\n        return self.table[histories[:, -1]]",
        ),
    )
    lines = ran(bench.smoke(text), text)
    assert "def unused(self):" in lines
    assert not {"return 1", "return 0"} & lines


def test_a_fit_that_time_stops_says_where(bench):
    text = (
        bench.changed(('            yield {"loss"', '            self.rest()\n            yield {"loss"'))
        .replace(
            "    def score",
            "    def rest(self):\n        for _ in range(100):\n            time.sleep(0.1)\n        self.rested = 1\n\n    def score",
        )
        .replace("import numpy as np\n", "import time\nimport numpy as np\n")
    )
    bench.write(text)
    trial = smoke_trial(bench.request(timeout_s=10.0), Supervision())
    lines = text.split("\n")
    assert {path for path, _ in trial.note["stopped"]} == {"model.py"}
    stopped = {lines[line - 1].strip() for _, line in trial.note["stopped"]}
    assert stopped <= {"self.rest()", "for _ in range(100):", "time.sleep(0.1)"}
    assert "self.rest()" in stopped
    assert "self.rested = 1" not in ran(trial, text)


def test_what_breaks_in_the_second_epoch_is_a_failure_with_its_line(bench):
    text = bench.changed(
        (
            '            yield {"loss"',
            '            if epoch:\n                raise ValueError("no second one")\n            yield {"loss"',
        )
    )
    trial = bench.smoke(text)
    assert trial.failure.reason is FailureReason.CRASH
    assert "no second one" in trial.failure.message
    assert text.split("\n")[trial.failure.line - 1].strip() == 'raise ValueError("no second one")'


def test_lines_in_threads_and_forked_processes_are_counted(bench):
    helpers = "    def there(self):\n        self.where = 1\n\n    def aside(self, out):\n        out.put(2)\n\n    def score"
    spawn = (
        "        thread = threading.Thread(target=self.there)\n        thread.start()\n        thread.join()\n"
        "        fork = multiprocessing.get_context('fork')\n        out = fork.Queue()\n"
        "        child = fork.Process(target=self.aside, args=(out,))\n        child.start()\n        out.get(timeout=20)\n"
        "        child.join()\n        for epoch in range(3):"
    )
    text = bench.changed(("        for epoch in range(3):", spawn), ("    def score", helpers)).replace(
        "import numpy as np\n", "import multiprocessing, threading\nimport numpy as np\n"
    )
    lines = ran(bench.smoke(text), text)
    assert {"self.where = 1", "out.put(2)"} <= lines


@pytest.mark.slow
def test_a_torch_seed_runs_all_its_lines_but_the_ones_that_data_does_not_ask_for(bench):
    config = read_config(SASREC)
    request = bench.request(timeout_s=240.0)
    own = request.config.model_copy(
        update={"recommender": config.recommender.model_copy(update={"max_history": 50})}
    )
    trial = smoke_trial(replace(request, config=own, checkout=SASREC), Supervision())
    lines = ran(trial, (SASREC / "model.py").read_text(encoding="utf-8"), path="model.py")
    assert "return self.norm(x)" in lines
    lines = ran(trial, (SASREC / "recommender.py").read_text(encoding="utf-8"), path="recommender.py")
    assert {'yield {"loss": float(total) / max(n_targets, 1)}', "return self.model.state_dict()"} <= lines
    assert {"return positive_loss + negative_loss", "class Settings:", "dim: int = 50"} <= lines
