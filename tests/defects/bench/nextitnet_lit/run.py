import torch
from datamodule import SessionDataModule
from lightning_like import EMA, LossMeter, MiniTrainer
from module import NextItNetModule


class Predictor:
    def __init__(self, log, seed):
        self.module = NextItNetModule(log.n_items)
        self.dm = SessionDataModule(log, seed=seed)
        self.ema = EMA(0.9)
        self.trainer = MiniTrainer(callbacks=[LossMeter(), self.ema], grad_clip=0.25)
        self.trainer.attach(self.module)
        self.serving = NextItNetModule(log.n_items)

    def fit(self):
        while True:
            logs = self.trainer.loop(self.module, self.dm.train_dataloader())
            self.serving.load_state_dict(self.ema.shadow)
            yield logs

    @torch.inference_mode()
    def score(self, users, histories):
        self.serving.eval()
        return self.serving.predict_step(torch.as_tensor(histories))

    def item_embeddings(self):
        return self.serving.head.weight.detach()

    def state_dict(self):
        return self.serving.state_dict()

    def load_state_dict(self, state):
        self.serving.load_state_dict(state)


def build(data, *, device, seed):
    torch.manual_seed(seed)
    return Predictor(data, seed)
