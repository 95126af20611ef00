"""Globals of an experiment. Every file reads them from here."""

config = {
    "bpr_batch_size": 512,
    "latent_dim_rec": 48,
    "lightGCN_n_layers": 2,
    "lr": 0.01,
    "decay": 1e-4,
    "sess_weight": 0.6,
}
seed = 2020
device = "cpu"
dataset = None
EOS = 1e-9
