"""The interface by which the diagnosis evolves with the model: complaints that nothing measures get a probe, which
counts from the next generation on.
"""

from collections.abc import Collection
from typing import Protocol

from evolution.domain.archive import Archive
from evolution.domain.feedback import Feedback
from evolution.domain.trial import Trial


class CoEvolution(Protocol):
    """Evolves the probes of one run."""

    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        """The feedback with the measurements of the probes admitted in this run."""
        ...

    def after_generation(
        self, archive: Archive, generation: int, *, heard: Collection[str]
    ) -> tuple[str, ...]:
        """Search for new probes; returns the ids of those that were admitted now.

        heard: ids of the trials that users whom an LLM plays were asked about in this run.
        """
        ...


class NoCoEvolution:
    """Evolves nothing, for runs whose strategy uses no diagnosis."""

    def extended(self, feedback: Feedback, trial: Trial) -> Feedback:
        """The feedback unchanged."""
        return feedback

    def after_generation(
        self, archive: Archive, generation: int, *, heard: Collection[str]
    ) -> tuple[str, ...]:
        """No probe is ever admitted: ()."""
        return ()
