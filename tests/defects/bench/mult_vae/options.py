args = {
    "p_dims": [32, 96],
    "dropout": 0.2,
    "batch_size": 50,
    "lr": 3e-3,
    "wd": 0.0,
    "total_anneal_steps": 200,
    "anneal_cap": 0.05,
    "fade": 0.5,
}
