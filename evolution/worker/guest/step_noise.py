"""Does a kept step multiply by something random that was not put at its mean: a thinned graph, dropout by hand?

Such a step and scoring compute two functions by design. Negatives are random too, but they are looked up and not multiplied by.
"""

from __future__ import annotations

from .step_kept import KeptStep

RANDOM = {"rand", "rand_like", "bernoulli", "bernoulli_", "randperm", "uniform_"}
WEIGHING = {
    "mul", "__mul__", "__rmul__", "mul_", "__imul__", "div", "where", "masked_fill", "masked_fill_", "mm", "matmul", "__matmul__",
    "spmm", "_sparse_mm", "sparse_mm", "addmm",
}  # fmt: skip


def is_thinned(step: KeptStep) -> bool:
    """Whether what has a gradient meets something random without one, in a product or a choice between two values."""
    if not any(call.function in RANDOM for call in step.calls):
        return False
    for call in step.upstream(step.loss):
        fixed = [one for one in call.inputs if not one.requires_grad]
        if call.function not in WEIGHING or len(fixed) in (0, len(call.inputs)):
            continue
        if any(made.function in RANDOM for one in fixed for made in step.upstream(one)):
            return True
    return False
