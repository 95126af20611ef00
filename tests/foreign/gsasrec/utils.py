import importlib.util

import torch
from dataset_utils import get_num_items
from gsasrec import GSASRec


def load_config(path):
    spec = importlib.util.spec_from_file_location("experiment_config", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.config


def build_model(config):
    return GSASRec(
        get_num_items(config.dataset_name),
        sequence_length=config.sequence_length,
        embedding_dim=config.embedding_dim,
        num_heads=config.num_heads,
        num_blocks=config.num_blocks,
        dropout_rate=config.dropout_rate,
        reuse_item_embeddings=config.reuse_item_embeddings,
    )


def get_device():
    return "cuda:0" if torch.cuda.is_available() else "cpu"
