"""A patch in progress: the files as they are now, and every answer of the model on the way."""

from collections.abc import Sequence
from dataclasses import replace

from evolution.base.errors import EditError
from evolution.domain.edits import Edit
from evolution.domain.unified_diffs import unified_diff
from evolution.proposers.coding.formats import as_blocks, edits_of
from evolution.proposers.coding.patch_size import complaint
from evolution.proposers.coding.patching import patched
from evolution.proposers.coding.records import CodingLimits, CodingRound, Problem, Rung, Task
from evolution.proposers.coding.replies import FileEdit


class PatchInProgress:
    """The files under edit, and the rounds of edits.

    files: path -> text as it is now, of all editable files.
    answer: the edits of the last answer, as text.
    """

    def __init__(self, task: Task, limits: CodingLimits) -> None:
        self.files: dict[str, str] = dict(task.sources)
        self.rounds: list[CodingRound] = []
        self.answer = ""
        self.task, self.limits = task, limits
        self._standing = 0  # the round that made the files what they are
        self._before = (self.files, self._standing)

    def changed(self) -> dict[str, str]:
        """path -> text of the files that differ from the task's sources."""
        return {path: text for path, text in self.files.items() if self.task.sources.get(path) != text}

    def diff(self) -> str:
        """The whole patch so far, as a unified diff."""
        return unified_diff(self.task.sources, self.files)

    def take(self, prompt: str, words: str, edits: Sequence[FileEdit], patch: str) -> Problem | None:
        """Apply an answer, record it, and return its problem if it has one.

        An answer that cannot be read or does not fit leaves the files as they were.
        """
        read: tuple[Edit, ...] = ()
        self._before = (self.files, self._standing)
        self.answer = patch or as_blocks(edits)
        try:
            read = tuple(edits_of(edits, patch))
            problem = self._applied(read)
        except EditError as error:
            problem = Problem(rung=Rung.ANSWER, message=str(error))
        self.rounds.append(CodingRound(prompt=prompt, words=words, edits=read, problem=problem))
        if self.files is not self._before[0]:
            self._standing = len(self.rounds) - 1
        return problem

    def undo(self) -> None:
        """Take the last answer's edits back."""
        self.files, self._standing = self._before

    def found(self, problem: Problem) -> None:
        """Record a problem that a check found, with the round whose edits made the files what they are."""
        self.rounds[self._standing] = replace(self.rounds[self._standing], problem=problem)

    def _applied(self, edits: Sequence[Edit]) -> Problem | None:
        if not edits:
            return Problem(rung=Rung.ANSWER, message="the answer has no edits, so nothing would change")
        try:
            self.files = patched(self.files, edits, editable=self.task.editable)
        except EditError as error:
            return Problem(rung=Rung.APPLY, message=str(error))
        said = complaint(self.task.sources, self.files, max_changed_lines=self.limits.changed_lines)
        return Problem(rung=Rung.LOOKS, message=said) if said else None
