"""Parts by kind and name; a config names the part and gives its arguments."""
import copy

PARTS = {}

DEFAULT = {
    "feed": {"name": "next_event", "max_len": 20, "batch_size": 64},
    "item": {"name": "id_and_features", "dim": 32, "dropout": 0.1},
    "user": {"name": "recent_mean", "half_life": 4.0, "hidden": 64},
    "loss": {"name": "in_batch", "temperature": 0.15},
    "optim": {"lr": 4e-3, "warmup_steps": 50, "clip": 1.0},
    "epochs": 10,
    "seed": 5,
}


def register(kind, name):
    def keep(part):
        PARTS[kind, name] = part
        return part

    return keep


def make(kind, cfg, *args):
    options = {k: v for k, v in cfg[kind].items() if k != "name"}
    return PARTS[kind, cfg[kind]["name"]](*args, **options)


def config(**changes):
    """DEFAULT with changes such as loss={"temperature": 0.2}"""
    cfg = copy.deepcopy(DEFAULT)
    for key, value in changes.items():
        cfg[key] = {**cfg[key], **value} if isinstance(value, dict) else value
    return cfg
