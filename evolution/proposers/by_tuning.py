"""The proposer of the strategy `tune`: settings of the numbers in the user's configuration, drawn by TPE from what the run has seen."""

from collections.abc import Mapping, Sequence

from evolution.base.errors import RepoError
from evolution.domain.archive import Archive, objective_of
from evolution.domain.run import Node
from evolution.domain.trial import Trial
from evolution.laboratory.candidates import Candidate
from evolution.laboratory.laboratory import Laboratory
from evolution.laboratory.tuning import candidate_of, space_of
from evolution.proposers.situation import Attempt, Situation
from evolution.tuning.sampler import Tried, suggest
from evolution.tuning.space import FILES, Space
from evolution.tuning.writing import values_in


class TuningProposer:
    """Proposes other settings of the user's version. It keeps no state: what was tried is read from the programs of the run."""

    def __init__(self, laboratory: Laboratory) -> None:
        self._laboratory = laboratory

    def propose(self, situation: Situation) -> Sequence[Attempt]:
        """Settings that the run has not tried; none where the configuration has no number to tune."""
        root = situation.archive.root
        space = space_of(self._laboratory, self._trial_of(root))
        if not space.dimensions:
            return []
        sources = self._laboratory.programs.sources(root.program, FILES)
        tried = tried_in(
            situation.archive, space, {n.program: self._files(n) for n in situation.archive.nodes}
        )
        seed = int(situation.rng.integers(2**31))
        made = [
            candidate_of(self._laboratory, root.program, sources, space, values)
            for values in suggest(space, tried, count=situation.count, seed=seed)
        ]
        return [candidate for candidate in made if isinstance(candidate, Candidate)]

    def _files(self, node: Node) -> Mapping[str, str]:
        return self._laboratory.programs.sources(node.program, FILES) if node.program else {}

    def _trial_of(self, node: Node) -> Trial:
        with self._laboratory.context.store_lock:
            trial = self._laboratory.context.store.trial(node.trial)
        if trial is None:
            raise RepoError(f"trial {node.trial} of this run is gone from the store; start the run again")
        return trial


def tried_in(archive: Archive, space: Space, files: Mapping[str, Mapping[str, str]]) -> list[Tried]:
    """The settings of a run, the user's own first; one without an objective counts as the worst. files: of each program."""
    worst = min(objective_of(node) for node in archive.complete)
    settings = [(node, values_in(files.get(node.program, {}), space)) for node in archive.nodes]
    return [
        Tried(values=values, objective=objective_of(node) if node.objective else worst)
        for node, values in settings
        if values is not None
    ]
