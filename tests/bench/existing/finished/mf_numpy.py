import evolverec_kit as kit


def build(data, *, device, seed):
    kit.seed_all(seed)
    kit.write_events("u.data", data, columns=("user", "item", 5, "time"), held_out=1)
    run = kit.Program("mf.py", argv=["u.data", f"--seed={seed}"], loop="sweep", report="loss")
    return kit.Recommender(
        data,
        run,
        model="model",
        score=kit.scores.matrix("P", "Q"),
        ids=kit.Ids(data, users=0, items=0),
        table="Q",
    )
