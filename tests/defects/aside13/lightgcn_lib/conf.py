"""Defaults; train.py overwrites them from the command line."""

config = {
    "embedding_size": 32,
    "n_layers": 2,
    "lr": 0.01,
    "reg": 1e-4,
    "cl_rate": 0.1,
    "temperature": 0.2,
    "eps": 0.1,
    "batch_size": 256,
    "test_batch_size": 128,
    "epochs": 15,
    "top_k": 20,
    "seed": 2022,
}
