import importlib
import logging
import random
import re

import numpy as np
import torch


def get_model(model_name):
    """the class of that name in models/"""
    file_name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", model_name).lower()
    return getattr(importlib.import_module("models." + file_name), model_name)


def init_seed(seed, reproducibility):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    torch.backends.cudnn.deterministic = bool(reproducibility)


def init_logger(config):
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", force=True)
