import evolverec_kit as kit
import numpy as np
import torch

MASK = 1


def build(data, *, device, seed):
    kit.seed_all(seed)
    kit.write_events("data/sequences.jsonl", data, columns=("user", "items"), held_out=1)
    run = kit.Program(
        "run_train.py",
        argv=["--device", device, f"--seed={seed}"],
        loop=("trainer.py", "Trainer._inner_training_loop", "epoch"),
    )
    ids = kit.Ids(data, order="appearance", items=3, length=31)
    return kit.Recommender(
        data, run, model="model", score=score, ids=ids, table="embeddings.word_embeddings.weight"
    )


def score(model, users, histories):
    asked = np.concatenate([histories, np.full((len(histories), 1), MASK)], axis=1)
    return model(torch.from_numpy(asked)).logits[:, -1]
