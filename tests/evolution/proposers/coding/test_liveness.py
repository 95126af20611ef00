"""A patch must do something. The first cases are the paper's fault: loss terms that are never called."""

from evolution.proposers.coding.liveness import SmokeRun, judge

MODEL = '''\
"""A model."""

import torch


class Model:
    def __init__(self, n):
        self.table = torch.zeros(n, 2)

    def fit(self):
        for epoch in range(2):
            loss = self.loss()
            yield {"loss": loss}

    def loss(self):
        scores = self.table.sum()
        return -scores

    def score(self, users, histories):
        return self.table


def build(data, *, device, seed):
    return Model(data.n_items)
'''


def changed(*replacements, text=MODEL):
    for old, new in replacements:
        assert old in text, old
        text = text.replace(old, new)
    return text


def run_of(text, *, never=(), stopped=(), path="model.py"):
    """All lines ran but those that contain one of `never`, and stopped is text of the lines where time was up."""
    lines = text.split("\n")
    ran = frozenset(
        number
        for number, line in enumerate(lines, start=1)
        if line.strip() and not any(part in line for part in never)
    )
    stops = tuple(
        (path, number) for number, line in enumerate(lines, start=1) for part in stopped if part in line
    )
    return SmokeRun(executed={path: ran}, stopped=stops)


def verdict(after, *, never=(), stopped=(), before=MODEL):
    return judge({"model.py": before}, {"model.py": after}, run_of(after, never=never, stopped=stopped))


DIVERSITY = (
    "    def diversity(self):\n        spread = self.table.var()\n        return spread\n\n    def score"
)


def test_a_loss_term_that_nothing_calls_is_dead():
    after = changed(("    def score", DIVERSITY))
    live = verdict(after, never=("spread",))
    assert (
        live.refusal == "nothing calls Model.diversity (model.py:19-21): the patch adds code that never runs"
    )
    assert [(idle.start, idle.why) for idle in live.idle] == [(20, "did not run"), (21, "did not run")]


def test_a_loss_term_that_is_computed_and_not_added_is_dead():
    after = changed(
        ("    def score", DIVERSITY),
        ("        return -scores", "        extra = self.diversity()\n        return -scores"),
    )
    assert (
        verdict(after).refusal
        == "the patch adds code without effect: model.py:17 assigns extra, which nothing reads"
    )


def test_a_loss_term_that_is_added_and_the_sum_dropped_is_dead():
    after = changed(
        ("    def score", DIVERSITY),
        ("        return -scores", "        -scores + self.diversity()\n        return -scores"),
    )
    assert "the value of model.py:17 is dropped" in verdict(after).refusal


def test_a_loss_term_behind_a_switch_that_is_off_is_dead():
    after = changed(
        ("    def score", DIVERSITY),
        (
            "        return -scores",
            "        if self.table.dim() > 5:\n            return self.diversity() - scores\n        return -scores",
        ),
    )
    assert "nothing calls Model.diversity" in verdict(after, never=("spread", "diversity()")).refusal


def test_a_loss_term_that_counts_is_alive():
    after = changed(("    def score", DIVERSITY), ("return -scores", "return self.diversity() - scores"))
    live = verdict(after)
    assert (live.refusal, live.idle) == ("", ())


def test_an_attribute_that_nothing_reads_is_reported_and_alone_it_is_dead():
    after = changed(
        (
            "2)\n",
            "2)\n        self.weight = torch.ones(n)\n",
        ),
    )
    live = verdict(after)
    assert "1 of the 1 statements" in live.refusal
    assert live.idle[0].why == "ran, but nothing reads .weight"
    assert verdict(changed(("-scores", "-(scores * self.weight)"), text=after)).refusal == ""


def test_an_attribute_may_be_read_in_another_file_or_by_name():
    after = changed(("2)\n", "2)\n        self.weight = torch.ones(n)\n"))
    for reader in ("def f(m):\n    return m.weight\n", "def f(m):\n    return getattr(m, 'weight')\n"):
        both = {"model.py": MODEL, "other.py": reader}
        assert judge(both, {**both, "model.py": after}, run_of(after)).refusal == ""


def test_a_branch_that_did_not_come_up_is_reported_and_kept():
    after = changed(
        ("return -scores", "if scores > 100:\n            scores = scores / 2\n        return -scores.abs()")
    )
    live = verdict(after, never=("/ 2",))
    assert live.refusal == ""
    assert [idle.text.strip() for idle in live.idle] == ["scores = scores / 2"]
    assert str(live.idle[0]) == "model.py:18: did not run\n            scores = scores / 2"


def test_most_of_a_patch_asleep_is_dead():
    after = changed(
        (
            "return -scores",
            "if scores > 100:\n            scores = scores / 2\n            scores = scores - 1\n        return -scores",
        )
    )
    assert "2 of the 3 statements" in verdict(after, never=("/ 2", "- 1")).refusal


def test_raising_and_handling_errors_is_not_counted():
    after = changed(
        ("return -scores", 'if scores is None:\n            raise ValueError("none")\n        return -scores')
    )
    live = verdict(after, never=("raise",))
    assert (live.refusal, live.idle) == ("", ())


def test_a_file_that_nothing_imports_is_dead():
    new = {"model.py": MODEL, "extra.py": "SIZE = 3\n"}
    assert "nothing imports extra.py" in judge({"model.py": MODEL}, new, run_of(MODEL)).refusal


def test_comments_and_docstrings_alone_are_no_change():
    after = changed(
        ('"""A model."""', '"""A better model."""'),
        ("    def loss(self):\n", "    def loss(self):\n        # the sum\n"),
    )
    assert "no code" in verdict(after).refusal
    assert (
        "no code"
        in verdict(changed(("    def loss(self):\n", '    def loss(self):\n        """Sum."""\n'))).refusal
    )


def test_a_patch_that_only_removes_code_is_alive():
    after = changed(
        ("        scores = self.table.sum()\n        return -scores", "        return -self.table.sum()")
    )
    assert verdict(after).refusal == ""
    assert verdict(MODEL, before=after.replace("import torch\n", "import torch\nimport math\n")).refusal == ""


def test_a_constant_outside_functions_counts_when_it_ran():
    before = changed(("import torch\n", "import torch\n\nSIZE = 2\n"))
    assert verdict(before.replace("SIZE = 2", "SIZE = 4"), before=before).refusal == ""


def test_files_of_another_language_pass():
    assert (
        judge({"a.toml": "x = 1\n"}, {"a.toml": "x = 2\n"}, SmokeRun(executed={}, stopped=())).refusal == ""
    )


def test_what_time_kept_from_running_is_not_held_against_the_patch():
    after = changed(
        ('            yield {"loss": loss}', '            self.anneal()\n            yield {"loss": loss}'),
        (
            "    def score",
            "    def anneal(self):\n        self.table = self.halved()\n\n    def halved(self):\n        return self.table / 2\n\n    def score",
        ),
    )
    asleep = ("anneal()", "yield", "halved()", "/ 2")
    assert verdict(after, never=asleep, stopped=("loss = self.loss()",)).refusal == ""
    assert "nothing calls" in verdict(after, never=asleep).refusal


def test_what_comes_before_the_stop_had_its_chance():
    after = changed(
        (
            "            loss = self.loss()",
            "            if epoch > 5:\n                loss = 2\n                loss += epoch\n            loss = self.loss()",
        )
    )
    assert (
        "2 of the 3" in verdict(after, never=("loss = 2", "loss +="), stopped=("loss = self.loss()",)).refusal
    )


def test_statements_over_several_lines_and_loops_without_a_mark_run():
    after = changed(
        (
            "        return -scores",
            "        while True:\n            return -(\n                scores\n                * 2\n            )",
        )
    )
    assert verdict(after, never=("while True", "* 2", "-(")).refusal == ""


def test_nested_functions_lambdas_and_closures_are_read():
    after = changed(
        (
            "        return -scores",
            "        weight = 2.0\n\n        def scaled(x):\n            return weight * x\n\n        return -scaled(scores)",
        )
    )
    assert verdict(after).refusal == ""


def test_a_decorated_function_that_is_called_is_alive_and_one_that_is_not_is_dead():
    decorated = changed(
        (
            "    def score",
            "    @torch.no_grad()\n    def spread(\n        self,\n    ):\n        return 1.0\n\n    def score",
        )
    )
    assert "Model.spread" in verdict(decorated, never=("return 1.0",)).refusal
    assert verdict(decorated).refusal == ""


def test_a_changed_function_that_was_dead_before_is_dead():
    before = changed(("    def score", DIVERSITY))
    after = before.replace("self.table.var()", "self.table.std()")
    assert "1 of the 1" in verdict(after, before=before, never=("spread",)).refusal
