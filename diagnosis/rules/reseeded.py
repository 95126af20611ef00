"""Static rule: a random generator that starts anew, from the same seed, in each epoch or step of training."""

import ast
from collections.abc import Iterable, Iterator

from diagnosis.findings import FindingKind, FoundBy, Role
from diagnosis.rules.codebase import Codebase, once
from diagnosis.rules.constants import default_of
from diagnosis.rules.definitions import Defined, Made
from diagnosis.rules.discount import statement_of
from diagnosis.rules.draws import GENERATORS, RANDOM
from diagnosis.rules.evaluating import evaluators
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.parts_of_data import Part, parts_named
from diagnosis.rules.repeated import below, in_training_loop, is_training_loop, repeated, repo_of
from diagnosis.rules.rule import Rule
from diagnosis.rules.seeded_to_answer import seeded_to_answer
from diagnosis.rules.source import Function, ParsedFile, keyword
from diagnosis.rules.steps import is_optimizer
from diagnosis.rules.values import Binding, How, bindings, names_in, parameters
from diagnosis.symptoms import WEAK
from diagnosis.syntax import called_name, dotted

KIND = FindingKind(
    code="reseeded-in-training",
    found_by=FoundBy.RULE,
    title="Generator seeded anew in training",
    why="Each epoch draws the same numbers: the same negatives, masks or order, which the model learns by heart.",
    definition="A generator gets a seed that does not change, or changes with the user or example alone, in code that runs at each epoch or "
    "step of training and draws; or an evaluation between epochs seeds the global generator that training draws from.",
    roles=(Role.NEGATIVES, Role.LOADER),
    explains=("negatives-repeated", "batches-in-one-order", "overconfidence", *WEAK),
)

STARTS = {"manual_seed", "seed", "manual_seed_all"}
# Calls whose result depends on nothing but their arguments.
PLAIN = {
    "int",
    "hash",
    "abs",
    "len",
    "str",
    "max",
    "min",
    "item",
    "crc32",
    "SeedSequence",
    "Generator",
    "device",
    "tuple",
    "zip",
    "list",
    "tolist",
    "asarray",
    "array",
    "as_tensor",
    "tensor",
    "sorted",
}
MOST_STEPS = 12
# How people call the function of theirs that seeds all generators.
SEEDS_ALL = {
    "set_seed",
    "seed_everything",
    "setup_seed",
    "fix_seed",
    "seed_all",
    "set_random_seed",
    "same_seeds",
    "init_seed",
    "set_seeds",
}
SETTINGS = ("args", "cfg", "config", "opt", "opts", "hparams", "params", "conf", "flags", "settings")
MESSAGE = "starts the generator anew from the same seed in each epoch, which draws the same numbers again: make it once, before training"


def reseeded_in_training(source: ParsedFile) -> Iterator[RuleHit]:
    """`torch.Generator().manual_seed(17)` in the function that draws, `gen.manual_seed(0)` at the start of each epoch."""
    for call in seeded_to_answer(source):
        function = source.function_of(call)
        if (
            function is not None
            and not _is_rare(source, call, function)
            and all(_stays(source, part, function) for part in call.args)
        ):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                "seeds the global generator at each evaluation, so that the epochs that follow draw the same numbers: give the "
                "evaluation a generator of its own",
            )
    repo = repo_of(source)
    again = repeated(repo)
    nodes = {(d.file.path, d.node.lineno): d.node for d in again.values() if isinstance(d.node, Function)}
    for call in source.calls:
        seed = _seed(source, call)
        function = source.function_of(call)
        if seed is not None and function is None and _is_of_script(source, call, repo):
            if all(_stays(source, part, None) for part in seed) and not _is_rare(source, call, None):
                yield source.hit(KIND.code, statement_of(source, call), MESSAGE)
            continue
        if seed is None or function is None or function.name == "__init__" or function in evaluators(source):
            continue
        runs_again = (source.path, function.lineno) in nodes or in_training_loop(source, call, repo)
        runs_again = runs_again or _is_called_again(source, function)
        if not runs_again or not _draws(source, function, call) or _is_rare(source, call, function):
            continue
        if _is_of_evaluation(source, function):
            continue
        if all(_stays(source, part, function) for part in seed):
            yield source.hit(
                KIND.code,
                statement_of(source, call),
                MESSAGE,
            )


def _is_of_script(source: ParsedFile, call: ast.Call, repo: Codebase) -> bool:
    """Whether a script seeds in its own loop of epochs, inside which another loop trains, and makes no model there, as it would for each of
    several seeds.
    """
    for outer in source.around(call):
        if isinstance(outer, ast.For) and in_training_loop(source, outer.body[0], repo):
            inner = [loop for s in outer.body for loop in source.within(s, ast.For, ast.While)]
            makes = any(is_optimizer(source.full_name(c)) for c in source.calls_in(*outer.body))
            return bool(inner) and not makes
    return False


def _is_called_again(source: ParsedFile, function: Function) -> bool:
    """Whether an object whose `__call__` this is, as a sampler, is called at each epoch or step, or a hook runs the function that
    training calls by a string with its name.
    """
    if function.name == "__call__":
        return bool(_calls_again(source, function))
    repo = repo_of(source)
    return function in below(repo, _hooks(repo))


@once
def _hooks(repo: Codebase) -> list[Defined]:
    """The functions whose names are strings that code which runs again hands to a call: `self.tell("on_epoch_begin")`."""
    again = repeated(repo)
    return [
        hook
        for file in repo.files
        for text in file.within(file.nodes[0], ast.Constant)
        if isinstance(text.value, str) and text.value.startswith("on_") and text.value in repo.functions
        if isinstance(file.parents.get(text), ast.Call)
        if file.function_of(text) in again or in_training_loop(file, text, repo)
        for hook in repo.functions[text.value]
    ]


def _calls_again(source: ParsedFile, function: Function) -> list[Made]:
    """The calls of objects of a class, by code that runs at each epoch or step."""
    repo = repo_of(source)
    again = repeated(repo)
    return [
        Made(file=file, call=call)
        for file in repo.files
        for call in file.calls
        if (file.function_of(call) in again or in_training_loop(file, call, repo))
        and called_name(call) not in repo.functions
        and (reached := repo.callee(file, call)) is not None
        and reached.node is function
    ]


def _is_of_evaluation(source: ParsedFile, function: Function) -> bool:
    """Whether a function, or its class, is called after validation, test or evaluation: their negatives stay the same on purpose."""
    owner = source.parents.get(function)
    names = [function.name, *([owner.name] if isinstance(owner, ast.ClassDef) else [])]
    found = parts_named(names)
    return bool(found - {Part.TRAIN}) or any("eval" in name.lower() for name in names)


def _seed(source: ParsedFile, call: ast.Call) -> list[ast.expr] | None:
    """What a generator is seeded with; None for other calls, and for seeds that the system draws."""
    name = called_name(call)
    if name in SEEDS_ALL:
        return call.args or [k.value for k in call.keywords] or None
    if name in STARTS and isinstance(call.func, ast.Attribute):
        return call.args or None
    if name in GENERATORS - {"Generator"}:
        given = [*call.args, *([s] if (s := keyword(call, "seed")) is not None else [])]
        return (
            None
            if not given or any(isinstance(s, ast.Constant) and s.value is None for s in given)
            else given
        )
    return None


def _draws(source: ParsedFile, function: Function, seeding: ast.Call) -> bool:
    """Whether the function draws after the seed, or hands the generator on; or a loader or sampler has that generator."""
    after = [c for c in source.calls_in(function) if c is not seeding and c.lineno >= seeding.lineno]
    names = _names_of(source, seeding)
    if any(called_name(c) in RANDOM for c in after) or _is_given(after, names):
        return True
    given = [(c, k.value) for c in source.calls for k in c.keywords if k.arg == "generator"]
    held = [c for c, value in given if source.function_of(c) is function or "." in dotted(value)]
    return _is_given(held, names)


def _is_given(calls: Iterable[ast.Call], names: set[str]) -> bool:
    return any(
        dotted(given) in names
        for call in calls
        for given in (*call.args, *(k.value for k in call.keywords))
        if dotted(given)
    )


def _names_of(source: ParsedFile, seeding: ast.Call) -> set[str]:
    """What the seeded generator is called."""
    statement = next((o for o in source.around(seeding) if isinstance(o, ast.stmt)), None)
    names = {dotted(t) for t in statement.targets} if isinstance(statement, ast.Assign) else set()
    own = dotted(seeding.func.value) if isinstance(seeding.func, ast.Attribute) else ""
    return {name for name in (*names, own) if name and name not in source.imports}


def _is_rare(source: ParsedFile, call: ast.Call, function: Function | None) -> bool:
    """Whether a condition decides that the generator is seeded."""
    for outer in source.around(call):
        if outer is function:
            return False
        if isinstance(outer, ast.If | ast.IfExp):
            return True
    return False


def _stays(source: ParsedFile, node: ast.expr, function: Function | None, steps: int = 0) -> bool:
    """Whether an expression has the same value in each epoch, for the same example."""
    if steps > MOST_STEPS or any(called_name(c) not in PLAIN for c in source.calls_in(node)):
        return False
    return all(_name_stays(source, name, function, steps) for name in names_in(node))


def _name_stays(
    source: ParsedFile, name: ast.Name | ast.Attribute, function: Function | None, steps: int
) -> bool:
    text = dotted(name)
    if "." in text:
        return _is_set_once(source, text)
    if text in source.imports or text == "self" or _is_of_settings(source, name):
        return True
    found = bindings(source, text, name)
    if found:
        return all(b.how in (How.ASSIGNED, How.ITERATED) for b in found) and all(
            _is_of_examples(source, b.value, b.how, function)
            and (_is_of_batches(source, b) or _stays(source, b.value, function, steps + 1))
            for b in found
        )
    if function is None or text not in parameters(function):
        return text.isupper()
    return _is_given_examples(source, function) or _arguments_stay(source, function, text, steps)


def _is_of_settings(source: ParsedFile, name: ast.Name | ast.Attribute) -> bool:
    """`args.seed`: a seed among the settings of a run."""
    outer = source.parents.get(name)
    told = isinstance(outer, ast.Attribute) or (isinstance(outer, ast.Subscript) and outer.value is name)
    return isinstance(name, ast.Name) and told and name.id.lower() in SETTINGS


def _is_given_examples(source: ParsedFile, function: Function) -> bool:
    """Whether a DataLoader calls a function, with the number of an example or with examples."""
    collates = (keyword(call, "collate_fn") for call in source.calls)
    return function.name == "__getitem__" or any(
        dotted(given).rpartition(".")[2] == function.name for given in collates if given is not None
    )


def _is_of_examples(source: ParsedFile, value: ast.expr, how: How, function: Function | None) -> bool:
    """Whether what a loop goes through are examples; a counter of a loop may be that of epochs."""
    counts = isinstance(value, ast.Call) and called_name(value) in ("range", "count", "enumerate")
    return not (how is How.ITERATED and counts)


def _is_of_batches(source: ParsedFile, binding: Binding) -> bool:
    """Whether a name is a part of a batch, over which the loop that binds it trains: an example comes again with its own."""
    return (
        binding.how is How.ITERATED
        and isinstance(binding.node, ast.For)
        and isinstance(binding.value, ast.Name | ast.Attribute)
        and not any(word in dotted(binding.value).lower() for word in ("epoch", "step", "seed"))
        and is_training_loop(source, binding.node, repo_of(source))
    )


def _is_set_once(source: ParsedFile, text: str) -> bool:
    """Whether only constructors assign an attribute."""
    owners = [source.function_of(b.node) for b in bindings(source, text, source.nodes[0])]
    stored = [
        part
        for part in source.within(source.nodes[0], ast.Attribute)
        if isinstance(part.ctx, ast.Store) and part.attr == text.rpartition(".")[2]
    ]
    inits = [owner for owner in owners if owner is not None and owner.name == "__init__"]
    return bool(inits) and len(inits) == len(owners) == len(stored)


def _arguments_stay(source: ParsedFile, function: Function, name: str, steps: int) -> bool:
    """Whether all calls in the repo give a parameter something that stays."""
    repo = repo_of(source)
    names = parameters(function)
    place = names.index(name) - (names[:1] in (["self"], ["cls"]))
    given: list[tuple[ParsedFile, ast.expr]] = []
    calls = _calls_again(source, function) if function.name == "__call__" else list(repo.calls(function.name))
    for made in calls:
        value = keyword(made.call, name)
        if value is None and 0 <= place < len(made.call.args):
            value = made.call.args[place]
        if value is None:
            left_out = default_of(function, name)
            if not isinstance(left_out, ast.Constant) or left_out.value is None or made.call.args[place:]:
                return False
            continue
        given.append((made.file, value))
    around = [(file, value, file.function_of(value)) for file, value in given]
    return bool(calls) and all(
        owner is not None and steps < MOST_STEPS and _stays(file, value, owner, steps + 3)
        for file, value, owner in around
    )


RULE = Rule(kind=KIND, run=reseeded_in_training)
