"""The diagnosis tool evolves with the model: complaints that nothing measures get a probe, from the next generation on."""

from typing import Protocol

from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial


class CoEvolution(Protocol):
    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        """The feedback with what the admitted probes of this run measure."""
        ...

    def after_generation(self, archive: Archive, generation: int) -> tuple[str, ...]:
        """Ids of the probes that were admitted now."""
        ...


class NoCoEvolution:
    """For runs whose strategy has no diagnosis to evolve."""

    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        return feedback

    def after_generation(self, archive: Archive, generation: int) -> tuple[str, ...]:
        return ()
