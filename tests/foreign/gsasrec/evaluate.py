from argparse import ArgumentParser

import torch
from dataset_utils import get_eval_dataloader
from eval_utils import evaluate
from utils import build_model, get_device, load_config

parser = ArgumentParser()
parser.add_argument("--config", type=str, default="config_shop.py")
parser.add_argument("--checkpoint", type=str, required=True)
args = parser.parse_args()
config = load_config(args.config)
model = build_model(config).to(get_device())
model.load_state_dict(torch.load(args.checkpoint, map_location=get_device()))
loader = get_eval_dataloader(config.dataset_name, "test", config.eval_batch_size, config.sequence_length)
print(evaluate(model, loader, config.recommendation_limit, config.filter_rated, get_device()))
