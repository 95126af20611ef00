import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    for part in ("train", "val"):
        kit.write_events(f"datasets/shop/{part}/input.txt", data, columns=("item",), kind="lists")
    kit.write_events("datasets/shop/val/output.txt", data, columns=("item",), last=1)
    kit.write_text("datasets/shop/dataset_stats.json", f'{{"num_items": {data.n_items}}}')
    run = kit.Program("train.py", argv=["--config", "config_shop.py"], loop=("train.py", "", "epoch"))
    return kit.Recommender(
        data,
        run,
        model="model",
        score=kit.scores.by_table(None, "output_embedding.weight"),
        ids=kit.Ids(data, padding="n+1", length=30),
        table="output_embedding.weight",
    )
