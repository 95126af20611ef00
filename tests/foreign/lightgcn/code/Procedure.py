import numpy as np
import torch
import utils
import world
from utils import timer


def BPR_train(dataset, recommend_model, loss_class):
    Recmodel = recommend_model
    Recmodel.train()
    bpr: utils.BPRLoss = loss_class
    with timer():
        S = utils.UniformSample(dataset)
    S = torch.from_numpy(S).long().to(world.device)
    users, posItems, negItems = utils.shuffle(S[:, 0], S[:, 1], S[:, 2])
    total_batch = len(users) // world.config["bpr_batch_size"] + 1
    aver_loss = 0.0
    for batch in utils.minibatch(users, posItems, negItems, batch_size=world.config["bpr_batch_size"]):
        aver_loss += bpr.stageOne(*batch)
    return f"loss{aver_loss / total_batch:.3f}-sampling {timer.told()}"


def Test(dataset, Recmodel, epoch):
    u_batch_size = world.config["test_u_batch_size"]
    testDict = dataset.testDict
    Recmodel = Recmodel.eval()
    max_K = max(world.topks)
    results = {"recall": np.zeros(len(world.topks)), "ndcg": np.zeros(len(world.topks))}
    with torch.no_grad():
        users = list(testDict.keys())
        for (batch_users,) in utils.minibatch(users, batch_size=u_batch_size):
            allPos = dataset.getUserPosItems(batch_users)
            rating = Recmodel.getUsersRating(torch.Tensor(batch_users).long().to(world.device))
            for row, items in enumerate(allPos):
                rating[row, items] = -(1 << 10)
            _, top = torch.topk(rating, k=max_K)
            for user, items in zip(batch_users, top.cpu().numpy()):
                truth = testDict[user]
                hits = np.isin(items, truth).astype("float")
                gains = 1 / np.log2(np.arange(2, max_K + 2))
                for j, k in enumerate(world.topks):
                    results["recall"][j] += hits[:k].sum() / len(truth)
                    results["ndcg"][j] += (hits * gains)[:k].sum() / gains[: min(k, len(truth))].sum()
        for name in results:
            results[name] /= float(len(users))
    print(epoch, results)
    return results
