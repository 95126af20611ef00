"""Numbers are found in every usual way to write a configuration, with their roles and places."""

import pytest

from evolution.tuning.kinds import Kind, role_of
from evolution.tuning.number import Where
from evolution.tuning.space import numbers_of

STYLES = {
    "dataclass.py": """\
from dataclasses import dataclass, field

@dataclass
class Settings:
    dim: int = 64
    dropout: float = field(default=0.2)
    lr: float = 1e-3
""",
    "plain_class.py": "class Config:\n    hidden_size = 64\n    dropout_prob = 0.2\n    learning_rate = 1e-3\n",
    "constants.py": "EMBED_DIM = 64\nDROPOUT, LR = 0.2, 1e-3\n",
    "options.py": """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--hidden-units", type=int, default=64)
parser.add_argument("-d", "--dropout_rate", default=0.2, type=float)
parser.add_argument("--lr", default=1e-3, type=float)
""",
    "settings_dict.py": 'config = {"model": {"emb_size": 64, "dropout": 0.2}, "optim": dict(lr=1e-3)}\n',
    "parameters.py": "class Model:\n    def __init__(self, n_items, d_model=64, *, drop=0.2):\n        self.lr = 1e-3\n",
    "adapter.py": """\
import kit

def build(data, *, device, seed):
    return kit.Program("main.py", argv=["--hidden", "64", "--dropout=0.2", "--lr=1e-3"])
""",
    "calls.py": """\
def build(data):
    net = nn.Sequential(Encoder(width=64), nn.Dropout(0.2))
    return Trainer(net, torch.optim.Adam(net.parameters(), 1e-3))
""",
    "shop.yaml": "model:\n  embedding_size: 64  # small\n  dropout: 0.2\ntrain:\n  lr: 1e-3\n",
    "shop.toml": "[model]\ndim = 64\ndropout = 0.2\n[train]\nlr = 1e-3\n",
    "shop.json": '{"model": {"latent_dim": 64, "dropout": 0.2},\n "learning_rate": 1e-3}\n',
    "shop.ini": "[model]\nn_factors = 64\ndropout = 0.2\n[train]\nlr = 1e-3\n",
}


@pytest.mark.parametrize("path", STYLES)
def test_width_dropout_and_rate_are_found_in_every_style(path):
    text = STYLES[path]
    found = {role_of(number.word): number for number in numbers_of(path, text)}
    assert {kind: found[kind].value for kind in (Kind.WIDTH, Kind.DROPOUT, Kind.LEARNING_RATE)} == {
        Kind.WIDTH: 64,
        Kind.DROPOUT: 0.2,
        Kind.LEARNING_RATE: 1e-3,
    }
    lines = text.split("\n")
    for number in found.values():
        assert lines[number.line - 1][number.start : number.end] == number.text


def test_the_place_of_a_number_is_told():
    where = {number.where for path, text in STYLES.items() for number in numbers_of(path, text)}
    assert where == set(Where) - {Where.FALLBACK}
    (one,) = numbers_of("main.py", 'rate = settings.get("lr", 0.01)\n')
    assert (one.where, one.word, one.value) == (Where.FALLBACK, "lr", 0.01)


def test_columns_count_characters_and_not_bytes():
    (one,) = numbers_of("main.py", 'note, lr = "größer als früher", 0.01\n')
    assert (one.word, one.text) == ("lr", "0.01")


@pytest.mark.parametrize(
    "text",
    [
        "lr = True\n",
        'lr = "0.01"\n',
        "lr = base * 2\n",
        "x = y.softmax(dim=1)\n",
        "def f(:\n",
    ],
)
def test_what_is_no_number_of_a_configuration_is_none(text):
    assert not [one for one in numbers_of("main.py", text) if one.word == "lr"]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("learning_rate", Kind.LEARNING_RATE),
        ("learningRate", Kind.LEARNING_RATE),
        ("attention_probs_dropout_prob", Kind.DROPOUT),
        ("keepprob", Kind.KEPT),
        ("mlm_probability", Kind.MASKED),
        ("weight_decay", Kind.WEIGHT_DECAY),
        ("l2_emb", Kind.WEIGHT_DECAY),
        ("num_ng", Kind.NEGATIVES),
        ("negs_per_pos", Kind.NEGATIVES),
        ("per_device_train_batch_size", Kind.BATCH_SIZE),
        ("bpr_batch", Kind.BATCH_SIZE),
        ("num_hidden_layers", Kind.LAYERS),
        ("n_blocks", Kind.LAYERS),
        ("nhead", Kind.HEADS),
        ("intermediate_size", Kind.INNER_WIDTH),
        ("recdim", Kind.WIDTH),
        ("HIDDEN_UNITS", Kind.WIDTH),
        ("initializer_range", Kind.INITIAL_SCALE),
        ("clip_grad_norm", Kind.CLIPPING),
    ],
)
def test_roles_are_told_by_the_usual_words(name, role):
    assert role_of(name) is role


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("seed", "seed"),
        ("random_seed", "seed"),
        ("top_k", "evaluation"),
        ("topks", "evaluation"),
        ("eval_batch_size", "evaluation"),
        ("test_num_ng", "evaluation"),
        ("val_ratio", "evaluation"),
        ("num_epochs", "long a training"),
        ("max_batches_per_epoch", "long a training"),
        ("early_stopping_patience", "long a training"),
        ("lr_decay", "schedule"),
        ("min_lr", "schedule"),
        ("warmup", "schedule"),
        ("num_workers", "runs"),
        ("log_interval", "runs"),
        ("n_items", "data"),
        ("pad_token_id", "data"),
        ("input_dim", "data"),
        ("min_events", "data"),
        ("max_len", "max_history"),
        ("layer_norm_eps", "division"),
        ("alpha", "does not tell"),
    ],
)
def test_what_evolverec_or_the_data_decide_is_left_with_the_reason(name, why):
    said = role_of(name)
    assert not isinstance(said, Kind) and why in said
