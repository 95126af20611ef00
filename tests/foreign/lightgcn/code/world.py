import os
import sys
from os.path import abspath, dirname, join
from warnings import simplefilter

import torch
from parse import parse_args

args = parse_args()

ROOT_PATH = dirname(dirname(abspath(__file__)))
CODE_PATH = join(ROOT_PATH, "code")
DATA_PATH = join(ROOT_PATH, "data")
FILE_PATH = join(CODE_PATH, "checkpoints")
sys.path.append(join(CODE_PATH, "sources"))

if not os.path.exists(FILE_PATH):
    os.makedirs(FILE_PATH, exist_ok=True)

config = {}
all_dataset = ["shop", "books"]
all_models = ["mf", "lgn"]
config["bpr_batch_size"] = args.bpr_batch
config["latent_dim_rec"] = args.recdim
config["n_layers"] = args.layer
config["dropout"] = args.dropout
config["keep_prob"] = args.keepprob
config["test_u_batch_size"] = args.testbatch
config["lr"] = args.lr
config["decay"] = args.decay

device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
seed = args.seed
dataset = args.dataset
model_name = args.model
if dataset not in all_dataset:
    raise NotImplementedError(f"{dataset} is not known, try one of {all_dataset}")
if model_name not in all_models:
    raise NotImplementedError(f"{model_name} is not known, try one of {all_models}")

TRAIN_epochs = args.epochs
LOAD = args.load
PATH = args.path
topks = eval(args.topks)

simplefilter(action="ignore", category=FutureWarning)


def cprint(words: str):
    print(f"\033[0;30;43m{words}\033[0m")
