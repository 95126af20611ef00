from torch.optim.lr_scheduler import LambdaLR


def linear_warmup(optimizer, steps):
    """From almost nothing to the full rate in so many steps, then constant."""
    return LambdaLR(optimizer, lambda step: min(1.0, (step + 1) / steps))
