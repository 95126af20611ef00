"""Trained models are asked: each planted defect is found in two code shapes, on its line, and healthy ones are silent."""

import pytest

from tests.evolution.trials.asking import Edits, asked, mode_of

pytestmark = pytest.mark.trains

NUMPY, TORCH = "numpy_models.py", "torch_models.py"
HEALTHY = [
    *((NUMPY, kind) for kind in ("Markov", "Decay", "Neighbours", "Ease", "Popular", "Factors")),
    *((TORCH, kind) for kind in ("Sas", "Bert", "Gru", "Conv", "Fpmc", "Bpr", "Graph", "Vae", "Fism")),
]


@pytest.mark.parametrize(("file", "kind"), HEALTHY)
def test_a_healthy_model_of_any_make_fails_no_check(tmp_path, micro, file, kind):
    planted = asked(tmp_path, micro, file, kind)
    assert planted.failed == [], [check.message for check in planted.checks if check.passed is False]


MARKOV = "return self.table[newest]"
FACTORS = "return own[users] @ items.T"
GRU = "return out[:, -1] @ self.items.weight.T"
READS = "histories = torch.as_tensor(histories)[:, -self.length :]"
ANSWERS = "return self.net(torch.as_tensor(users), histories)"
TURNED = "histories = np.array([[*row[row == 0], *row[row > 0][::-1]] for row in histories])\n        "
WIDENS = "histories = F.pad(histories, (self.length - histories.shape[1], 0))"

RIGHT = (
    "kept = (rows > 0).sum(1).clamp(1)\n"
    "        rows = torch.stack([row.roll(-int((row == 0).sum())) for row in rows])[:, : int(kept.max())]\n        "
)
GRU_OUT = "out, _ = self.rnn(self.items(rows))"
FISM_MASK = "mask = (rows > 0).float()[..., None]"
INNER_HEADS = "return self.layer(x, src_mask=mask.repeat_interleave(2, 0))"
OUTER_HEADS = (
    "hidden = {}\n"
    "            y = torch.cat(x.chunk(2, -1), 0)\n"
    "            weights = (y @ y.mT).masked_fill(hidden, -1e9).softmax(-1)\n"
    "            return x + torch.cat((weights @ y).chunk(2, 0), -1)"
)

# code -> (file, kind, edits, the line that it must point at, "" where only the kind is told)
DEFECTS: list[tuple[str, str, str, Edits, str]] = [
    (
        "state-carried", NUMPY, "Markov",
        ((MARKOV, "s = self.table[newest]\n        self.drift = 0.5 * getattr(self, 'drift', 0) + s.mean(0)\n        return s + self.drift"),),
        "self.drift = 0.5 * getattr(self, 'drift', 0) + s.mean(0)",
    ),
    (
        "state-carried", TORCH, "Gru",
        (
            ("out, _ = self.rnn(self.items(rows))", "past = getattr(self, 'past', None)\n        fits = past is not None and past.shape[1] == len(rows)\n        out, past = self.rnn(self.items(rows), past if fits else None)\n        self.past = past.detach()"),
        ),
        "self.past = past.detach()",
    ),
    ("same-answer-twice", TORCH, "Vae", (("if self.training:", "if True:"),), "middle = middle + torch.randn_like(middle) * (width / 2).exp() * 0.1"),
    ("same-answer-twice", NUMPY, "Markov", ((MARKOV, "s = self.table[newest]\n        return s * (np.random.random(s.shape) > 0.2)"),), "return s * (np.random.random(s.shape) > 0.2)"),
    ("same-answer-twice", NUMPY, "Ease", (("return rows @ self.table", "rows = rows * (self.rng.random(rows.shape) > 0.2)\n        return rows @ self.table"), ("self.table = self.noise.copy()", "self.table, self.rng = self.noise.copy(), np.random.default_rng(seed)")), "rows = rows * (self.rng.random(rows.shape) > 0.2)"),
    ("batch-companions", TORCH, "Gru", ((GRU, "last = out[:, -1] - out[:, -1].mean(0)\n        return last @ self.items.weight.T"),), "last = out[:, -1] - out[:, -1].mean(0)"),
    ("batch-companions", TORCH, "Conv", (("x = torch.relu(self.conv(x))[:, :, 0]", "x = F.batch_norm(self.conv(x)[:, :, 0], None, None, training=True)"),), "x = F.batch_norm(self.conv(x)[:, :, 0], None, None, training=True)"),
    ("batch-companions", TORCH, "Sas", ((INNER_HEADS, INNER_HEADS.replace("repeat_interleave(2, 0)", "repeat(2, 1, 1)")),), INNER_HEADS.replace("repeat_interleave(2, 0)", "repeat(2, 1, 1)")),
    ("batch-companions", TORCH, "Sas", ((INNER_HEADS, OUTER_HEADS.format("mask.repeat_interleave(2, 0)")),), "weights = (y @ y.mT).masked_fill(hidden, -1e9).softmax(-1)"),
    (
        "same-answer-twice", TORCH, "Graph",
        (("return (own + self.edges @ items) / 2", "kept = torch.rand(self.edges.shape) < 0.8\n        edges = (self.edges * kept).to_sparse_coo()\n        return (own + edges @ items) / 2"),),
        "kept = torch.rand(self.edges.shape) < 0.8",
    ),
    ("batch-companions", TORCH, "Bpr", ((FACTORS, "return own[: len(users)] @ items.T"),), "return own[: len(users)] @ items.T"),
    ("batch-companions", NUMPY, "Neighbours", (("window = histories[:, -20:]\n", "window = histories[:, -20:]\n        window = window * (window.sum(0) % 2)\n"),), "window = window * (window.sum(0) % 2)"),
    ("more-padding", TORCH, "Fism", (("/ mask.sum(1).clamp(1)", "/ mask.shape[1]"), (WIDENS, "pass")), "mean = (self.items(rows) * mask).sum(1) / mask.shape[1]"),
    ("more-padding", TORCH, "Sas", ((WIDENS, "pass"),), "x = x + self.places(torch.arange(rows.shape[1]))"),
    ("more-padding", TORCH, "Fism", (("/ mask.sum(1).clamp(1)", "/ mask.shape[1]"), (FISM_MASK, RIGHT + FISM_MASK)), "mean = (self.items(rows) * mask).sum(1) / mask.shape[1]"),
    ("more-padding", TORCH, "Gru", ((GRU_OUT, RIGHT + GRU_OUT),), "return out[:, -1] @ self.items.weight.T"),
    ("newest-kept", TORCH, "Conv", (("x = self.items(rows[:, -5:]).transpose(1, 2)", RIGHT + "x = self.items(rows[:, -5:]).transpose(1, 2)"),), "x = self.items(rows[:, -5:]).transpose(1, 2)"),
    ("newest-kept", TORCH, "Gru", ((READS, "histories = torch.as_tensor(histories)[:, : self.length]"),), "histories = torch.as_tensor(histories)[:, : self.length]"),
    ("newest-kept", NUMPY, "Neighbours", (("window = histories[:, -20:]", "window = histories[:, -20:-1]"),), "window = histories[:, -20:-1]"),
    ("history-holes", TORCH, "Fism", ((ANSWERS, "histories = histories * (torch.arange(self.length) % 2)\n        " + ANSWERS),), "histories = histories * (torch.arange(self.length) % 2)"),
    ("history-holes", NUMPY, "Neighbours", (("window = histories[:, -20:]", "window = histories[:, ::-2]"),), "window = histories[:, ::-2]"),
    ("history-window", TORCH, "Sas", ((READS, "histories = torch.as_tensor(histories)[:, -3:]"),), "histories = torch.as_tensor(histories)[:, -3:]"),
    ("history-window", TORCH, "Gru", (("out, _ = self.rnn(self.items(rows))", "x = self.items(rows)\n        out, _ = self.rnn(x if self.training else x[:, -2:])"),), "out, _ = self.rnn(x if self.training else x[:, -2:])"),
    ("input-ignored", TORCH, "Gru", ((ANSWERS, "histories = torch.zeros_like(histories)\n        " + ANSWERS),), "histories = torch.zeros_like(histories)"),
    ("input-ignored", TORCH, "Bpr", ((FACTORS, "return own.mean(0).expand(len(users), -1) @ items.T"),), ""),
    ("time-reversed", NUMPY, "Decay", (("weights = 0.8", TURNED + "weights = 0.8"),), TURNED.strip()),
    ("time-reversed", NUMPY, "Decay", (("np.arange(histories.shape[1])[::-1] *", "(histories > 0).cumsum(1) *"),), ""),
    ("user-shifted", TORCH, "Bpr", ((FACTORS, "return own[users - 1] @ items.T"),), ""),
    ("user-shifted", NUMPY, "Factors", (("left[users]", "left[users - 1]"),), ""),
    ("items-shifted", NUMPY, "Markov", ((MARKOV, "return np.roll(self.table[newest], 1, axis=1)"),), ""),
    ("items-shifted", TORCH, "Bpr", ((FACTORS, "return torch.roll(own[users] @ items.T, -1, 1)"),), ""),
    ("scores-inverted", TORCH, "Bpr", ((FACTORS, "return -(own[users] @ items.T)"),), ""),
    ("scores-inverted", NUMPY, "Ease", (("return rows @ self.table", "return -(rows @ self.table)"),), ""),
    ("scores-tied", TORCH, "Bpr", ((FACTORS, "return torch.sigmoid(500 * (own[users] @ items.T))"),), ""),
    ("scores-tied", NUMPY, "Ease", (("return rows @ self.table", "return np.clip(rows @ self.table, 0, 1e-4)"),), ""),
    ("padding-ranked", TORCH, "Fism", (("self.who = torch", "self.goals[torch.arange(len(goals)) % 4 > 0] = 0\n        self.who = torch"),), ""),
    ("padding-ranked", TORCH, "Conv", (("self.who = torch", "self.goals[::2] = 0\n        self.who = torch"),), ""),
    ("scores-frozen", NUMPY, "Markov", (("self.table = self.noise.copy()", "self.table = self.noise.copy()\n        self.kept = self.table.copy()"), (MARKOV, "return self.kept[newest]")), ""),
    ("scores-frozen", TORCH, "Bpr", ((FACTORS, "self.kept = getattr(self, 'kept', None) or (own.clone(), items.clone())\n        return self.kept[0][users] @ self.kept[1].T"),), ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("code", "file", "kind", "edits", "line"), DEFECTS, ids=[f"{row[0]}-{row[2]}" for row in DEFECTS]
)
def test_a_planted_defect_is_found_on_its_line(tmp_path, micro, code, file, kind, edits, line):
    planted = asked(tmp_path, micro, file, kind, edits)
    assert code in planted.failed, [check.message for check in planted.checks if check.code == code]
    if line:
        assert planted.line_of(code) == line
    also = set(planted.failed) - {code}
    assert not also, f"{also} are said too"


READ_AT_ITS_END = "return out[torch.arange(len(rows)), kept - 1] @ self.items.weight.T"


FORGETS = (("        self.net.eval()\n", ""),)


@pytest.mark.parametrize(
    ("edits", "passed"),
    [
        (FORGETS, False),
        ((), True),
        ((*FORGETS, ("            yield {", "            self.net.eval()\n            yield {")), True),
    ],
    ids=["nothing sets evaluation mode", "score does", "fit does at the end of an epoch"],
)
def test_random_answers_are_told_where_neither_score_nor_fit_sets_evaluation_mode(
    tmp_path, micro, edits, passed
):
    text, check = mode_of(tmp_path, micro, TORCH, "Sas", edits)
    assert check.passed is passed
    if not passed:
        (place,) = check.places
        assert text.splitlines()[place.line - 1 :][1].strip().startswith("def score")


def test_batches_padded_to_their_longest_history_are_no_fault(tmp_path, micro):
    edits = ((GRU_OUT, RIGHT + GRU_OUT), (GRU, READ_AT_ITS_END))
    assert asked(tmp_path, micro, TORCH, "Gru", edits).failed == []
    edits = ((FISM_MASK, RIGHT + FISM_MASK),)
    assert asked(tmp_path, micro, TORCH, "Fism", edits).failed == []


def test_heads_that_lie_outside_of_the_rows_mix_no_rows(tmp_path, micro):
    edits = ((INNER_HEADS, OUTER_HEADS.format("mask.repeat(2, 1, 1)")),)
    assert asked(tmp_path, micro, TORCH, "Sas", edits).failed == []


UNDRAWN_PADDING = (
    ("return own[users] @ items.T", "return own[users] @ items.T + self.bias"),
    ("        nn.init.normal_(self.items.weight, std=0.1)\n", "        nn.init.normal_(self.items.weight, std=0.1)\n        self.bias = nn.Parameter(torch.zeros(m + 1))\n        self.items.weight.data[0] *= 0.1\n"),
    (
        "return -F.logsigmoid((who * (good - bad)).sum(1)).mean()",
        "bad = torch.randint(1, self.m + 1, (len(batch), 99))\n"
        "        logits = self.net(self.who[batch], None)\n"
        "        down = F.softplus(logits.gather(1, bad)).sum(1)\n"
        "        return (F.softplus(-logits.gather(1, self.goals[batch, None])[:, 0]) + down).mean()",
    ),
)  # fmt: skip


def test_a_padding_row_that_no_loss_reaches_is_not_taken_for_learnt_padding(tmp_path, micro):
    planted = asked(tmp_path, micro, TORCH, "Bpr", UNDRAWN_PADDING)
    assert "padding-ranked" not in planted.failed
    [told] = [check.message for check in planted.checks if check.code == "padding-ranked"]
    assert "training has not raised it" in told  # while it stands above all items


NEWEST_BESIDE = "x = torch.relu(self.conv(x) - 50)[:, :, 0] + self.items(rows[:, -1])"
DEAD_UNITS = {
    "relu": (("x = torch.relu(self.conv(x))[:, :, 0]", NEWEST_BESIDE),),
    "clamp": (("x = torch.relu(self.conv(x))[:, :, 0]", NEWEST_BESIDE.replace("torch.relu(", "torch.clamp(min=0.0, input=")),),
}  # fmt: skip


@pytest.mark.parametrize("edits", DEAD_UNITS.values(), ids=DEAD_UNITS)
def test_events_that_dead_units_lose_are_not_taken_for_a_short_window(tmp_path, micro, edits):
    planted = asked(tmp_path, micro, TORCH, "Conv", edits)
    assert "history-window" not in planted.failed


def test_a_window_is_still_seen_where_units_live(tmp_path, micro):
    edits = (("x = torch.relu(self.conv(x))[:, :, 0]", "x = torch.relu(self.conv(x))[:, :, 0] if self.training else self.items(rows[:, -1])"),)  # fmt: skip
    assert "history-window" in asked(tmp_path, micro, TORCH, "Conv", edits).failed


def test_inverted_scores_stand_on_the_negation_or_nowhere(tmp_path, micro):
    edits = ((FACTORS, "return -(own[users] @ items.T)"),)
    assert asked(tmp_path, micro, TORCH, "Bpr", edits).line_of("scores-inverted") == edits[0][1]
