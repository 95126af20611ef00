import os
from logging import getLogger
from time import time

import numpy as np
import torch
from torch.nn.utils.clip_grad import clip_grad_norm_


class Trainer(object):
    def __init__(self, config, model):
        self.config = config
        self.model = model
        self.logger = getLogger()
        self.epochs = config["epochs"]
        self.eval_step = min(config["eval_step"], self.epochs)
        self.stopping_step = config["stopping_step"]
        self.clip_grad_norm = config["clip_grad_norm"]
        self.device = config["device"]
        self.checkpoint_dir = config["checkpoint_dir"]
        os.makedirs(self.checkpoint_dir, exist_ok=True)
        self.saved_model_file = os.path.join(self.checkpoint_dir, f"{config['model']}-{int(time())}.pth")
        self.start_epoch = 0
        self.cur_step = 0
        self.best_valid_score = -np.inf
        self.best_valid_result = None
        self.train_loss_dict = dict()
        self.optimizer = torch.optim.Adam(
            model.parameters(), lr=config["learning_rate"], weight_decay=config["weight_decay"]
        )

    def _train_epoch(self, train_data, epoch_idx):
        self.model.train()
        total_loss = None
        for interaction in train_data:
            interaction = interaction.to(self.device)
            self.optimizer.zero_grad()
            loss = self.model.calculate_loss(interaction)
            total_loss = loss.item() if total_loss is None else total_loss + loss.item()
            self._check_nan(loss)
            loss.backward()
            if self.clip_grad_norm:
                clip_grad_norm_(self.model.parameters(), self.clip_grad_norm)
            self.optimizer.step()
        return total_loss

    def _check_nan(self, loss):
        if torch.isnan(loss):
            raise ValueError("Training loss is nan")

    def _save_checkpoint(self, epoch):
        state = {
            "epoch": epoch,
            "cur_step": self.cur_step,
            "best_valid_score": self.best_valid_score,
            "state_dict": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        torch.save(state, self.saved_model_file)

    def fit(self, train_data, valid_data=None, verbose=True, saved=True):
        for epoch_idx in range(self.start_epoch, self.epochs):
            training_start_time = time()
            train_loss = self._train_epoch(train_data, epoch_idx)
            self.train_loss_dict[epoch_idx] = train_loss
            if verbose:
                took = time() - training_start_time
                self.logger.info(f"epoch {epoch_idx} training [time: {took:.2f}s, loss: {train_loss:.4f}]")

            if self.eval_step <= 0 or not valid_data:
                if saved:
                    self._save_checkpoint(epoch_idx)
                continue
            if (epoch_idx + 1) % self.eval_step == 0:
                valid_result = self.evaluate(valid_data, load_best_model=False)
                valid_score = valid_result[self.config["valid_metric"]]
                if verbose:
                    self.logger.info(f"epoch {epoch_idx} evaluating {valid_result}")
                if valid_score > self.best_valid_score:
                    self.best_valid_score, self.best_valid_result = valid_score, valid_result
                    self.cur_step = 0
                    if saved:
                        self._save_checkpoint(epoch_idx)
                else:
                    self.cur_step += 1
                    if self.cur_step > self.stopping_step:
                        self.logger.info(
                            f"Finished training, best eval result in epoch {epoch_idx - self.cur_step}"
                        )
                        break
        return self.best_valid_score, self.best_valid_result

    @torch.no_grad()
    def evaluate(self, eval_data, load_best_model=True):
        if load_best_model:
            checkpoint = torch.load(self.saved_model_file, map_location=self.device, weights_only=False)
            self.model.load_state_dict(checkpoint["state_dict"])
        self.model.eval()
        k = self.config["topk"]
        hits, gains = [], []
        for interaction in eval_data:
            interaction = interaction.to(self.device)
            scores = self.model.full_sort_predict(interaction)
            scores[:, 0] = -np.inf
            target = interaction[self.model.POS_ITEM_ID]
            rank = (scores > scores.gather(1, target[:, None])).sum(1)
            hits.append((rank < k).float())
            gains.append((rank < k) / torch.log2(rank + 2.0))
        return {"HIT": torch.cat(hits).mean().item(), "NDCG": torch.cat(gains).mean().item()}
