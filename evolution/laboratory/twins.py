"""Dead patches: a child whose first epochs equal its parent's to the bit computes what its parent computes.

Both trials have the same seed, so equal losses and equal scores in every list mean that nothing that the patch changed
reached the training or the scoring. The other direction proves nothing: where a repo's own repeat differs (threads, a
GPU, a clock as seed), so does a dead patch, and no verdict is given.
"""

from collections.abc import Callable, Sequence

from evolution.domain.trial import EpochRecord, Trial

# Two, because an order or a negative that is drawn once for all epochs, an optimizer that is made anew, and a rate that
# falls show from the second epoch on.
EPOCHS_COMPARED = 2


def is_twin(parent: Sequence[EpochRecord], child: Sequence[EpochRecord], *, ended: bool = False) -> bool:
    """Whether every epoch of the child so far equals the parent's of the same number in all that both report.

    True only after EPOCHS_COMPARED epochs, one of which was ranked, or where the child's training has `ended` with as
    many epochs as its parent's.
    """
    if len(child) > len(parent) or not any(epoch.answers for epoch in child):
        return False
    enough = len(child) >= EPOCHS_COMPARED or (ended and len(child) == len(parent))
    return enough and all(_same(before, after) for before, after in zip(parent, child))


def _same(before: EpochRecord, after: EpochRecord) -> bool:
    return before.answers == after.answers and before.reported == after.reported


def is_dead(parent: Trial, child: Trial) -> bool:
    """Whether a trained or pruned child is its parent's twin. A trial that failed is never one."""
    return child.failure is None and is_twin(parent.epochs, child.epochs, ended=True)


def why_dead(child: Trial) -> str:
    """The reason to refuse a dead patch, in words."""
    return f"it is dead code: {same_words(len(child.epochs))}"


def same_words(epochs: int) -> str:
    """That a child's epochs equal its parent's, as many as were trained."""
    equal = "its only epoch equals" if epochs == 1 else f"its first {epochs} epochs equal"
    return f"{equal} those of the version it changes to the bit, in losses and in scores"


def pruned_as_twin(
    parent: Trial, otherwise: Callable[[Sequence[EpochRecord]], bool]
) -> Callable[[Sequence[EpochRecord]], bool]:
    """A function of a child's epochs so far that also ends the training of a twin; for others it asks `otherwise`."""
    return lambda epochs: is_twin(parent.epochs, epochs) or otherwise(epochs)
