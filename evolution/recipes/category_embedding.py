"""Recipe: categories as side information. An item's vector becomes its own plus the mean of its categories' vectors,
in inputs and scores.
"""

from dataclasses import dataclass

import libcst as cst

from evolution.recipes.code import (
    RecipeFile,
    call_name,
    dotted,
    loaded_names,
    parse_all,
    rewrite,
    statements,
    torch_name,
)
from evolution.recipes.flow import own_lines, parameters
from evolution.recipes.inner_product import has_sparse_gradients
from evolution.recipes.item_table import ItemTable, find_item_table
from evolution.recipes.recipe import WEAKER, DoesNotFit, RecipeContext, RecipePatch
from evolution.recipes.training_step import OPTIMIZERS

CLASS = "CategoryAwareEmbedding"
TEMPLATE = '''
class {name}({torch}.nn.Module):
    """An item is its own vector plus the mean of its categories' vectors, so that rare items borrow from alike ones.

    Stands in for the table `items`, with the same `weight` for scores. categories: a list of names for every
    row, that of padding first.
    """

    def __init__(self, items: {torch}.nn.Embedding, categories) -> None:
        super().__init__()
        names = sorted({{name for of_item in categories for name in of_item}})
        number = {{name: place for place, name in enumerate(names, start=1)}}
        most = max(1, max(len(of_item) for of_item in categories))
        rows = {torch}.zeros(items.num_embeddings, most, dtype={torch}.long)  # 0: no category
        for item, of_item in enumerate(categories):
            rows[item, : len(of_item)] = {torch}.tensor([number[name] for name in of_item], dtype={torch}.long)
        self.items = items
        self.num_embeddings, self.embedding_dim = items.num_embeddings, items.embedding_dim
        self.categories = {torch}.nn.EmbeddingBag(len(names) + 1, items.embedding_dim, mode="mean", padding_idx=0)
        {torch}.nn.init.zeros_(self.categories.weight)  # at first every item is what it was without categories
        self.register_buffer("rows", rows, persistent=False)  # (n_items + 1, most)
        self.to(items.weight.device)

    @property
    def weight(self) -> {torch}.Tensor:
        return self.items.weight + self.categories(self.rows)  # (n_items + 1, d)

    def forward(self, ids: {torch}.Tensor) -> {torch}.Tensor:
        return {torch}.nn.functional.embedding(ids, self.weight, padding_idx=self.items.padding_idx)
'''


@dataclass(frozen=True, kw_only=True)
class CategoryEmbedding:
    """Wraps the item table in a module that adds category vectors."""

    code: str = "category-embedding"
    title: str = "Add category embeddings to the item embeddings"
    rationale: str = (
        "Items share nothing but their ids here. With vectors for categories, rare items learn from their category's "
        "events and taste in categories becomes visible to the model."
    )
    techniques: tuple[str, ...] = ("feature-fusion",)
    triggers: frozenset[str] = frozenset(
        {
            "embedding-collapse",
            "untrained-rows",
            "popularity-bias",
            "ranking-margin",
            *WEAKER,
            "overused-category",
            "missed-category",
            "missed-variety",
            "overused-popularity",
        }
    )
    promise: float = 0.95

    def make(self, context: RecipeContext) -> RecipePatch:
        """Raises DoesNotFit if the data has no categories, or if no training data is at hand where the model is made."""
        if not context.facts.has_categories:
            raise DoesNotFit("the data has no categories")
        table = find_item_table(context)
        if has_sparse_gradients(table.call, table.source):
            raise DoesNotFit(
                f"`{table.target}` has sparse gradients, which a sum with categories would make dense"
            )
        for source in parse_all(context):
            for function in source.functions():
                for line in own_lines(function):
                    place = _table_outside(line, source, table)
                    data = _data_argument(source, function)
                    if place and data and source.ran(line):
                        return _wrapped(source, line, place, data)
        raise DoesNotFit("where the model is made there is no `data` with columns of items at hand")


def _table_outside(line: cst.SimpleStatementLine, source: RecipeFile, table: ItemTable) -> str:
    """The name by which the table is known after this line, if the line creates the table or the module that holds it;
    else "".
    """
    if line is table.statement:
        return table.target
    part = line.body[0]
    if not isinstance(part, cst.Assign) or len(line.body) != 1 or table.owner is None:
        return ""
    target, owner = dotted(part.targets[0].target), table.owner.name.value
    makes = [call for call in source.all_of(cst.Call, part.value) if call_name(call) == owner]
    attribute = table.target.removeprefix("self.")
    return f"{target}.{attribute}" if len(makes) == 1 and target and table.target != attribute else ""


def _initialised(source: RecipeFile, line: cst.SimpleStatementLine, place: str) -> cst.CSTNode:
    """The last statement below the model's creation that sets its first weights, else the creation itself.

    Vectors that a loop over all parameters draws anew would not start at zero.
    """
    block = source.parents[line]
    body = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    model = place.rpartition(".")[0] or place
    below = body[body.index(line) + 1 :] if line in body else []
    return next((node for node in reversed(below) if _draws(source, node, model)), line)


def _draws(source: RecipeFile, node: cst.CSTNode, model: str) -> bool:
    """Whether a statement sets weights of the model: by torch's initialisers, or by a function whose name says so."""
    code, calls = source.code(node), source.all_of(cst.Call, node)
    sets = any("init" in dotted(call.func).lower() or call_name(call) == "apply" for call in calls)
    return sets and model in code and not any(call_name(call) in OPTIMIZERS for call in calls)


def _data_argument(source: RecipeFile, function: cst.FunctionDef) -> str:
    """The parameter that holds the training data: the one whose `n_items` or `item_columns` the function reads, else
    the first parameter of `build`; "" if there is none.
    """
    names = [name for name in parameters(function) if name != "self"]
    for node in source.all_of(cst.Attribute, function):
        if node.attr.value in ("n_items", "item_columns") and dotted(node.value) in names:
            return dotted(node.value)
    return names[0] if function.name.value == "build" and names else ""


def _wrapped(source: RecipeFile, line: cst.SimpleStatementLine, place: str, data: str) -> RecipePatch:
    if CLASS in loaded_names(source.module):
        raise DoesNotFit(f"{source.path} has a {CLASS} already")
    new = statements(
        [
            "# rare items borrow from their categories, and taste in categories counts",
            f'{place} = {CLASS}({place}, {data}.item_columns["categories"])',
        ]
    )
    after = _initialised(source, line, place)
    top = next(node for node in (line, *source.ancestors(line)) if node in source.module.body)
    made = statements(TEMPLATE.format(name=CLASS, torch=torch_name(source)).strip("\n").splitlines())
    blank = [cst.EmptyLine(indent=False), cst.EmptyLine(indent=False)]
    made[0] = made[0].with_changes(leading_lines=[*blank, *made[0].leading_lines])
    first = source.module.body[: source.module.body.index(top)]
    if not first or top is line:
        raise DoesNotFit(f"{source.path} makes the model outside of any function")
    changes: dict[cst.CSTNode, list[cst.CSTNode]] = {after: [after, *new], first[-1]: [first[-1], *made]}
    return RecipePatch(edits=tuple(rewrite(source, changes)), note="Category vectors start at zero.")
