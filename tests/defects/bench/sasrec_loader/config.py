from types import SimpleNamespace

cfg = SimpleNamespace(
    max_len=50,
    hidden=48,
    heads=2,
    layers=2,
    p_drop=0.2,
    bs=32,
    lr=2e-3,
    wd=0.0,
    n_neg=12,
    clip=5.0,
    warmup=10,
    num_workers=0,
)
