gmf_config = {
    "alias": "gmf",
    "num_epoch": 60,
    "batch_size": 256,
    "optimizer": "adam",
    "adam_lr": 5e-3,
    "l2_regularization": 0.0,
    "latent_dim": 16,
    "num_negative": 4,
    "init_std": 0.05,
    "lr_gamma": 0.95,
    "recent": 10,
    "seed": 0,
}

neumf_config = {
    **gmf_config,
    "alias": "neumf",
    "latent_dim_mf": 16,
    "latent_dim_mlp": 16,
    "layers": [48, 32, 16],
    "dropout": 0.1,
}

CONFIGS = {"gmf": gmf_config, "neumf": neumf_config}
