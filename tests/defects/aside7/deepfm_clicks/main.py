import copy

import numpy as np
import torch

from clicks import Clicks, Negatives, leave_out_last, read_log
from deepfm import DeepFM
from engine import Engine
from features import Catalogue
from offline import candidates, evaluate
from options import parse


def main():
    opt = parse()
    torch.manual_seed(opt.seed)
    by_user, (category, store, price, rating) = read_log(opt.log)
    train, (valid, test) = leave_out_last(by_user, 2)
    catalogue = Catalogue(category, store, price, rating, opt.price_buckets)
    n_users = max(by_user)
    draws = Negatives(train, n_users, catalogue.n_items, np.random.default_rng(opt.seed))
    everything = Negatives(by_user, n_users, catalogue.n_items, np.random.default_rng(opt.seed))
    engine = Engine(DeepFM(catalogue.field_dims(n_users), opt.dim, opt.hidden, opt.dropout), catalogue, opt)
    clicks = Clicks(train, draws, opt.max_hist, opt.n_neg, opt.batch_size, opt.seed)
    on_valid = candidates(valid, everything, 99, seed=7)
    on_test = candidates(test, everything, 99, seed=8)
    best, state = 0.0, None
    for epoch in range(opt.epochs):
        loss = engine.train(clicks)
        result = evaluate(engine, valid, on_valid, opt.max_hist)
        print(f"{epoch}: loss {loss:.4f} auc {result['auc']:.4f} hr {result['hr']:.4f}")
        if result["auc"] > best:
            best, state = result["auc"], copy.deepcopy(engine.model.state_dict())
    engine.model.load_state_dict(state)
    print("test", evaluate(engine, test, on_test, opt.max_hist))


if __name__ == "__main__":
    main()
