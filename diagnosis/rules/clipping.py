"""Static rule: gradients that are clipped when nobody uses them any more, or before there are any."""

from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import ParsedFile
from diagnosis.rules.steps import Does, Event, trainings

KIND = FindingKind(
    code="clipped-in-vain",
    found_by=FoundBy.RULE,
    title="Gradients clipped in vain",
    why="Clipping after the step, or before backward, changes no update: large gradients go through whole.",
    definition="A training step that clips gradients, but not between `backward` and `step`.",
    roles=(Role.OPTIMIZER,),
)


def clipped_in_vain(source: ParsedFile) -> Iterator[RuleHit]:
    """Clipping that follows the step of its round, or comes before the first `backward`."""
    for training in trainings(source.repo) if source.repo else ():
        if training.file.path != source.path:
            continue
        order = training.of(Does.BACKWARD, Does.CLIP, Does.STEP)
        kinds = [event.does for event in order]
        if not {Does.BACKWARD, Does.CLIP, Does.STEP} <= set(kinds) or kinds.count(Does.STEP) > 1:
            continue
        clip, step = kinds.index(Does.CLIP), kinds.index(Does.STEP)
        if kinds[-1] is Does.CLIP and clip > step:
            yield _hit(
                source, order[clip], "clips the gradients after the step has used them: clip before step()"
            )
        elif Does.BACKWARD not in kinds[:clip] and Does.CLIP not in kinds[clip + 1 :]:
            yield _hit(
                source, order[clip], "clips before there are gradients: clip between backward() and step()"
            )


def _hit(source: ParsedFile, event: Event, message: str) -> RuleHit:
    return source.hit(KIND.code, event.outer, message)


RULE = Rule(kind=KIND, run=clipped_in_vain)
