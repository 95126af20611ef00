import dataloader
import numpy as np
import torch
import world


class BPRLoss:
    def __init__(self, recmodel, config):
        self.model = recmodel
        self.weight_decay = config["decay"]
        self.opt = torch.optim.Adam(recmodel.parameters(), lr=config["lr"])

    def stageOne(self, users, prev, pos, neg):
        loss, reg_loss = self.model.bpr_loss(users, prev, pos, neg)
        loss = loss + self.weight_decay * reg_loss
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        return loss.detach()


def BPR_train_original(dataset, recommend_model, loss_class):
    recommend_model.train()
    bpr = loss_class
    S = dataloader.UniformSample(dataset)
    np.random.shuffle(S)
    S = torch.from_numpy(S).long().to(world.device)
    total_batch = len(S) // world.config["bpr_batch_size"] + 1
    aver_loss = 0.0
    for batch in torch.split(S, world.config["bpr_batch_size"]):
        batch_users, batch_prev, batch_pos, batch_neg = batch.unbind(1)
        aver_loss += bpr.stageOne(batch_users, batch_prev, batch_pos, batch_neg)
    return float(aver_loss) / total_batch
