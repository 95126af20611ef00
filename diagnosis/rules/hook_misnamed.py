"""Static rule: a method that should be a hook, whose name is not the one that is called."""

import ast
import builtins
from collections.abc import Iterator

from diagnosis.findings import FindingKind, FoundBy
from diagnosis.rules.codebase import Codebase, Defined, once
from diagnosis.rules.definitions import bases_of, is_abstract, own_method
from diagnosis.rules.hits import RuleHit
from diagnosis.rules.rule import Rule
from diagnosis.rules.source import Function, ParsedFile
from diagnosis.symptoms import UNTRAINED, WEAK
from diagnosis.syntax import dotted

KIND = FindingKind(
    code="hook-misnamed",
    found_by=FoundBy.RULE,
    title="A hook that nobody calls",
    why="The base class calls another name, so that what the method does, as a schedule or a check, never happens, and nothing says so.",
    definition="A class overrides a hook of its base class under a name that is almost the hook's: nothing in the repo names the method, "
    "and the hook itself does nothing there.",
    explains=(*UNTRAINED, *WEAK),
)

MODULE = {
    "forward",
    "reset_parameters",
    "extra_repr",
    "state_dict",
    "load_state_dict",
    "parameters",
    "named_parameters",
    "train",
    "eval",
}
DATASET = {"__getitem__", "__len__", "__iter__", "__getitems__"}
EPOCHS = {
    f"on_{part}{moment}_{edge}"
    for part in ("train_", "validation_", "test_", "predict_", "")
    for moment in ("epoch", "batch")
    for edge in ("start", "end")
}
TRAINER = {
    *EPOCHS,
    *(f"on_{part}_{edge}" for part in ("train", "validation", "test", "predict", "fit", "sanity_check") for edge in ("start", "end")),
    "setup", "teardown", "on_save_checkpoint", "on_load_checkpoint", "on_before_backward", "on_after_backward", "on_exception",
    "on_before_optimizer_step", "on_before_zero_grad", "state_dict", "load_state_dict",
}  # fmt: skip
LIGHTNING = {
    *MODULE, *TRAINER, "training_step", "validation_step", "test_step", "predict_step", "configure_optimizers", "train_dataloader",
    "val_dataloader", "test_dataloader", "predict_dataloader", "optimizer_step", "optimizer_zero_grad", "lr_scheduler_step",
    "configure_callbacks", "configure_gradient_clipping", "configure_model", "configure_sharded_model", "prepare_data", "backward",
    "manual_backward", "training_epoch_end", "validation_epoch_end", "test_epoch_end", "training_step_end", "validation_step_end",
    "test_step_end", "transfer_batch_to_device", "on_before_batch_transfer", "on_after_batch_transfer", "predict_epoch_end",
    "get_progress_bar_dict", "tbptt_split_batch", "on_epoch_start", "on_epoch_end", "on_train_epoch_start", "on_train_epoch_end",
}  # fmt: skip
KERAS = {
    *(f"on_{part}{edge}" for part in ("train_", "test_", "predict_", "epoch_", "batch_", "train_batch_", "test_batch_", "predict_batch_")
      for edge in ("begin", "end")),
    "set_params", "set_model",
}  # fmt: skip
HUGGING = {
    *(f"on_{part}_{edge}" for part in ("train", "epoch", "step", "init") for edge in ("begin", "end")),
    "on_substep_end", "on_pre_optimizer_step", "on_optimizer_step", "on_evaluate", "on_predict", "on_save", "on_log", "on_prediction_step",
}  # fmt: skip
# Full name of a base class, or its end -> the hooks that it calls.
FRAMEWORKS = (
    (("torch.nn.Module", "nn.Module"), MODULE),
    (("LightningModule",), LIGHTNING),
    (("TrainerCallback",), HUGGING),
    (("pytorch_lightning.Callback", "lightning.Callback", "pl.Callback", "pytorch_lightning.callbacks.Callback", "L.Callback",
      "lightning.pytorch.callbacks.Callback"), TRAINER),
    (("keras.callbacks.Callback",), KERAS),
    (("torch.utils.data.Dataset", "data.Dataset", "torch.utils.data.IterableDataset"), DATASET),
)  # fmt: skip
PLAIN = {"object", "ABC", "abc.ABC", "Generic", "typing.Generic", "Protocol"}
ALIKE = {"begin": "start", "began": "start", "begins": "start", "started": "start", "starts": "start", "ended": "end", "ends": "end",
         "finish": "end", "finished": "end", "valid": "validation", "val": "validation", "epochs": "epoch", "batches": "batch"}  # fmt: skip
SHORTEST = 6  # letters of a hook whose misspelling can be told
SPECIAL = {name for kind in (object, int, list, dict, set, str, bytes) for name in dir(kind)} | {
    f"__{word}__"
    for word in ("call", "enter", "exit", "next", "del", "getattr", "setstate", "getstate", "post_init", "missing", "set_name", "copy",
                 "deepcopy", "aiter", "anext", "await", "slots", "matmul", "truediv", "bool", "index", "class_getitem", "all", "version",
                 "fspath", "aenter", "aexit", "get", "set", "delete", "prepare", "set", "array", "bytes", "complex", "length_hint")
} | set(dir(builtins))  # fmt: skip


def hook_misnamed(source: ParsedFile) -> Iterator[RuleHit]:
    """`def on_epoch_ended(self)` below a base class with `def on_epoch_end(self): pass`; `def foward` in a torch module."""
    repo = source.repo
    for node in source.within(source.nodes[0], ast.ClassDef) if repo is not None and repo.whole else ():
        kind = Defined(file=source, node=node)
        methods = [m for m in node.body if isinstance(m, Function) and _may_be_lost(m)]
        hooks = _hooks(repo, kind) if repo is not None and methods else None
        for method in methods if hooks else ():
            wanted = _meant(method.name, hooks or set())
            if (
                repo is not None
                and wanted
                and method.name not in _named(repo)
                and _is_open(repo, kind, wanted)
            ):
                yield source.hit(
                    KIND.code, method, f"is never called: the hook of the base class is called {wanted}"
                )


def _meant(name: str, hooks: set[str]) -> str:
    """The hook that a name nearly is; "" where it is one, or is like none."""
    return "" if name in hooks else next((hook for hook in sorted(hooks) if _is_almost(name, hook)), "")


def _may_be_lost(method: Function) -> bool:
    name = method.name
    special = name.startswith("__") and name.endswith("__")
    return not method.decorator_list and len(name) >= SHORTEST and not (special and name in SPECIAL)


@once
def _named(repo: Codebase) -> frozenset[str]:
    """All that the code of the repo names: attributes, names, and strings, also those that are put together."""
    found: set[str] = set()
    beginnings: set[str] = set()
    for file in repo.files:
        root = file.nodes[0]
        found |= {node.attr for node in file.within(root, ast.Attribute)}
        found |= {node.id for node in file.within(root, ast.Name)}
        found |= {word for node in file.within(root, ast.keyword) if (word := node.arg)}
        found |= {alias.name for node in file.within(root, ast.ImportFrom) for alias in node.names}
        strings = [n.value for n in file.within(root, ast.Constant) if isinstance(n.value, str)]
        found |= {text for text in strings if text.isidentifier()}
        for call in file.calls_named("getattr"):
            if len(call.args) > 1 and _is_put_together(call.args[1]):
                beginnings |= {
                    p.value
                    for p in ast.walk(call.args[1])
                    if isinstance(p, ast.Constant) and isinstance(p.value, str)
                }
    made = {name for name in repo.functions if any(b and b.strip("%s{}") in name for b in beginnings)}
    return frozenset(found | made)


def _is_put_together(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr | ast.BinOp | ast.Call)


def _hooks(repo: Codebase, kind: Defined) -> set[str] | None:
    """The hooks of the classes above; None where a base class is unknown, which may have others."""
    if not bases_of(kind):
        return None
    found: set[str] = set()
    lineage = repo.lineage(kind)
    names = {getattr(place.node, "name", "") for place in lineage}
    for place in lineage:
        for base, full in zip(bases_of(place), _full_bases(place)):
            if base.rpartition(".")[2] in names or full in PLAIN or base in PLAIN:
                continue
            known = next((hooks for ends, hooks in FRAMEWORKS if full.endswith(ends)), None)
            if known is None:
                return None
            found |= known
    for place in lineage[1:]:
        found |= {m.name for m in getattr(place.node, "body", []) if isinstance(m, Function)}
    return found


def _full_bases(kind: Defined) -> list[str]:
    """The bases of a class with the modules from which they were imported."""
    found = []
    for base in getattr(kind.node, "bases", []):
        inner = base.value if isinstance(base, ast.Subscript) else base
        head, _, rest = dotted(inner).partition(".")
        origin = kind.file.imports.get(head, head)
        found.append(f"{origin}.{rest}" if rest else origin)
    return found


def _is_open(repo: Codebase, kind: Defined, hook: str) -> bool:
    """Whether a hook does nothing in a class: it is not defined in it, and above it only waits to be."""
    if own_method(kind, hook) is not None:
        return False
    above = [m for place in repo.lineage(kind)[1:] if (m := own_method(place, hook)) is not None]
    if not above:
        return True
    return all(_does_nothing(m.node) for m in above) and (
        hook in _named(repo) or any(_raises(m.node) for m in above)
    )


def _does_nothing(node: ast.AST) -> bool:
    body = getattr(node, "body", [])
    empty = [s for s in body if not (isinstance(s, ast.Return) and (s.value is None or _is_none(s.value)))]
    return is_abstract(node) or all(
        isinstance(s, ast.Pass) or (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))
        for s in empty
    )


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _raises(node: ast.AST) -> bool:
    return any(isinstance(s, ast.Raise) for s in getattr(node, "body", []))


def _is_almost(name: str, hook: str) -> bool:
    """Whether a name is a hook's with a slip of the pen, with other underscores, or with a word of the same meaning."""
    if name == hook or len(hook) < SHORTEST or name.lstrip("_") == hook or name.strip("_0123456789") == hook:
        return False
    if name.startswith("__") != hook.startswith("__") and not name.startswith("_"):
        return False
    if name.replace("_", "").lower() == hook.replace("_", "").lower():
        return True
    if _words(name) == _words(hook):
        return True
    return not _adds_a_word(name, hook) and _distance(name, hook) <= (1 if len(hook) < 10 else 2)


def _words(name: str) -> list[str]:
    return [ALIKE.get(word, word) for word in name.lower().strip("_").split("_")]


def _adds_a_word(name: str, hook: str) -> bool:
    """Whether the names differ by a digit, or in a word that is short of the other's by its whole: `step_2`, `user_id`."""
    ours, theirs = name.split("_"), hook.split("_")
    if len(ours) != len(theirs):
        return True
    apart = [(a, b) for a, b in zip(ours, theirs) if a != b]
    return any(min(len(a), len(b)) < 3 or any(c.isdigit() for c in a + b) for a, b in apart) or len(apart) > 1


def _distance(one: str, other: str) -> int:
    """Letters to insert, leave out, exchange or swap (Damerau and Levenshtein)."""
    if abs(len(one) - len(other)) > 2:
        return 3
    rows = [list(range(len(other) + 1))]
    for i, a in enumerate(one, 1):
        row = [i]
        for j, b in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]


RULE = Rule(kind=KIND, run=hook_misnamed)
