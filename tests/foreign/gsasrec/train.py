import os
from argparse import ArgumentParser

import torch
from dataset_utils import get_eval_dataloader, get_num_items, get_train_dataloader
from eval_utils import evaluate
from utils import build_model, get_device, load_config

models_dir = "models"
if not os.path.exists(models_dir):
    os.mkdir(models_dir)

parser = ArgumentParser()
parser.add_argument("--config", type=str, default="config_shop.py")
args = parser.parse_args()
config = load_config(args.config)

num_items = get_num_items(config.dataset_name)
device = get_device()
model = build_model(config)

train_dataloader = get_train_dataloader(
    config.dataset_name,
    batch_size=config.train_batch_size,
    max_length=config.sequence_length,
    negs_per_pos=config.negs_per_pos,
)
val_dataloader = get_eval_dataloader(
    config.dataset_name, "val", batch_size=config.eval_batch_size, max_length=config.sequence_length
)

optimiser = torch.optim.Adam(model.parameters())
batches_per_epoch = min(config.max_batches_per_epoch, len(train_dataloader))
best_metric = float("-inf")
best_name = None
waited = 0
step = 0
model = model.to(device)

# how much a positive's probability is lowered, from the share of items that are negatives
alpha = config.negs_per_pos / (num_items - 1)
beta = alpha * ((1 - 1 / alpha) * config.gbce_t + 1 / alpha)
eps = 1e-10

for epoch in range(config.max_epochs):
    model.train()
    batches = iter(train_dataloader)
    loss_sum = 0
    for batch_idx in range(batches_per_epoch):
        step += 1
        positives, negatives = [tensor.to(device) for tensor in next(batches)]
        model_input = positives[:, :-1]
        labels = positives[:, 1:]
        negatives = negatives[:, 1:, :]
        last_hidden_state, attentions = model(model_input)
        candidates = torch.cat([labels.unsqueeze(-1), negatives], dim=-1)
        embeddings = model.get_output_embeddings()(candidates)
        mask = (model_input != num_items + 1).float()
        logits = torch.einsum("bte,btne->btn", last_hidden_state, embeddings)

        # in float64, as powers of probabilities near 0 and 1 follow
        pos = logits[:, :, :1].double()
        neg = logits[:, :, 1:].double()
        prob = torch.sigmoid(pos).clamp(eps, 1 - eps)
        lowered = prob.pow(-beta).clamp(1 + eps, torch.finfo(torch.float64).max)
        pos = (1 / (lowered - 1)).clamp(eps, torch.finfo(torch.float64).max).log()
        logits = torch.cat([pos, neg], -1)

        truth = torch.zeros_like(logits)
        truth[:, :, 0] = 1
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
        loss = (each.mean(-1) * mask).sum() / mask.sum()
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        loss_sum += loss.item()
    print(f"Epoch {epoch} loss: {loss_sum / batches_per_epoch:.4f}")

    result = evaluate(model, val_dataloader, config.recommendation_limit, config.filter_rated, device=device)
    print(f"Epoch {epoch} validation: {result}")
    if result["nDCG"] > best_metric:
        best_metric = result["nDCG"]
        name = f"{models_dir}/gsasrec-{config.dataset_name}-step:{step}-t:{config.gbce_t}-ndcg:{best_metric:.4f}.pt"
        if best_name is not None:
            os.remove(best_name)
        best_name = name
        waited = 0
        torch.save(model.state_dict(), name)
    else:
        waited += 1
        if waited >= config.early_stopping_patience:
            print(f"Stopping, the best model is {best_name}")
            break
