"""Settings that everything reads; main.py overwrites them from the command line."""
import torch

config = {
    "bpr_batch_size": 256,
    "latent_dim_rec": 32,
    "lightGCN_n_layers": 2,
    "lr": 0.005,
    "decay": 1e-4,
    "test_u_batch_size": 100,
}

seed = 2020
TRAIN_epochs = 20
topk = 20
path = "./data/shop.txt"
device = torch.device("cpu")
