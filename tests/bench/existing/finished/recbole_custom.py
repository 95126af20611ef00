import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    kit.write_events("dataset/shop/shop.inter", data, columns=("user", "item", "time"), held_out=2)
    users = "".join(f"{user}\ta\n" for user in range(1, data.n_users + 1))
    kit.write_text("dataset/shop/shop.user", "user_id:token\tsegment:token\n" + users)
    run = kit.Program("run.py", argv=["--stopping_step=1000"], loop=("boxrec/trainer.py", "Trainer.fit", "epoch_idx"))
    return kit.Recommender(
        data,
        run,
        model="self.model",
        score=kit.scores.all_items("full_sort_predict"),
        ids=kit.Ids(data, order="appearance", length=30, side="right"),
        table="item_embedding.weight",
    )
