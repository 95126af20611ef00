import sys

import evolverec_kit as kit
import torch

sys.path.append(str(kit.ROOT / "src"))  # as an installation would


def build(data, *, device, seed):
    kit.seed_all(seed)
    names = ("visitor", "product", "ts")
    kit.write_events("data/events.jsonl", data, columns=("user", "item", "time"), header=names, held_out=1)
    run = kit.Program(
        "shoptrain.cli:main",
        argv=["--set", "data.min_events=0", "--set", f"train.seed={seed}"],
        loop=("src/shoptrain/engine.py", "Engine.run", "number"),
    )
    return kit.Recommender(
        data,
        run,
        model="model",
        score=score,
        ids=lambda: kit.Ids(data, users=run["catalog.visitors"], items=run["catalog.products"], padding=-1),
        table=lambda model: torch.cat([model.wanted.weight, model.next.weight, model.bias.weight], 1),
    )


def score(model, users, histories):
    last = torch.from_numpy(histories[:, -1])
    scores = model.score_all(torch.from_numpy(users), last.clamp(min=0))
    return scores.masked_fill(last[:, None] < 0, 0.0)
