import evolverec_kit as kit
import torch


def build(data, *, device, seed):
    kit.seed_all(seed)
    header = "customer\tarticle\tt_dat"
    kit.write_events("purchases.tsv", data, columns=("user", "item", "time"), header=header, held_out=1)
    run = kit.Program("autoencoder.ipynb", loop=("autoencoder.ipynb", "", "epoch"))
    return kit.Recommender(
        data,
        run,
        model="net",
        score=score,
        ids=lambda: kit.Ids(data, users=run["customers"], items=run["articles"], padding="n"),
        table="dec.weight",
    )


def score(net, users, histories):
    bought = torch.zeros(len(users), net.dec.out_features + 1)
    bought.scatter_(1, torch.from_numpy(histories), 1.0)
    return net(bought[:, :-1])
