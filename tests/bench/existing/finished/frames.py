import evolverec_kit as kit
import torch


def build(data, *, device, seed):
    kit.seed_all(seed)
    header = "user_id,item_id,datetime"
    kit.write_events(
        "data/events.csv", data, columns=("user", "item", "time"), sep=",", header=header, held_out=1
    )
    shelves = [row[-1] if row else "none" for row in data.item_columns["categories"]]
    rows = "".join(f'{item},"{name}"\n' for item, name in enumerate(shelves) if item)
    kit.write_text("data/items.csv", "item_id,category\n" + rows)
    run = kit.Program(
        "train.py", loop=("recsys/trainer.py", "Trainer.fit", None), skip="EarlyStopping.on_train_epoch_end"
    )
    return kit.Recommender(
        data, run, model="module", score=kit.scores.by_history(None), ids=lambda: numbering(data, run),
        table=lambda module: module.item_tower(torch.arange(module.n_items)),
    )


def numbering(data, run):
    users, items = run["dataset.user_id_map.to_internal"], run["dataset.item_id_map.to_internal"]
    return kit.Ids(data, users=users, items=items, padding=-1, length=10)
