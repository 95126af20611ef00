"""The repo's source with marks in it: one call where an epoch may end."""

import ast
import importlib
import importlib.machinery
import json


class _Unmarked(BaseException):
    """A program trains, and nothing in it is marked."""


class _Marks(ast.NodeTransformer):
    """Inserts one call where an epoch may end: at the head of a loop or of a function, or after an optimizer's step; and puts
    values in the place of constants, results in the place of functions that are skipped.

    Lines and the file's name stay as they are.
    """

    def __init__(self, file, *, loop=None, at=None, start=None, steps=False, skip=(), values=()):
        self._file, self._loop, self._at, self._start = file, loop, at, start
        self._steps, self._skip, self._values = steps, skip, values
        self._scope, self.found, self.used = [], 0, set()  # ends of epochs; names that stand here

    def visit_ClassDef(self, node):
        return self._within(node)

    def visit_FunctionDef(self, node):
        name = ".".join([*self._scope, node.name])
        skipped = next((key for key in self._skip if self._is(key, name)), None)
        marks = [
            (skipped, ast.Return(_call(f"skipped({skipped!r})", node.body[0]).value)),
            (self._start, _call("start()", node.body[0])),
        ]
        marks.append((self._at, _call("end()", node.body[0])))
        node = self._within(node)
        for wanted, mark in marks:
            if wanted is not None and self._is(wanted, name):
                node.body.insert(0, ast.copy_location(mark, node.body[0]))
                self.found += wanted is self._at
                self.used.add(wanted)
        return node

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_For(self, node):
        return self._loop_at(node, node.target)

    def visit_While(self, node):
        return self._loop_at(node, node.test)

    def visit_Expr(self, node):
        calls = [one.func for one in ast.walk(node.value) if isinstance(one, ast.Call)]
        if self._steps and any(isinstance(one, ast.Attribute) and one.attr == "step" for one in calls):
            self.found += 1
            return [node, _call("steps()", node)]
        return node

    def visit_Assert(self, node):
        """Programs that insist on a GPU are given the processor in its place where there is none."""
        insists = "cuda.is_available" in ast.unparse(node.test)
        return ast.copy_location(ast.Pass(), node) if insists else node

    def visit_Assign(self, node):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for key in self._values if isinstance(target, ast.Name) else ():
                if self._is(key, ".".join([*self._scope, target.id])):
                    node.value = _call(f"values[{key!r}]", node).value
                    self.used.add(key)
        return node

    visit_AnnAssign = visit_Assign  # noqa: N815

    def _is(self, wanted, name):
        """Whether "file.py:Class.name", "Class.name" or "name" means what stands here."""
        file, _, wanted = wanted.rpartition(":")
        return self._is_file(file) and wanted in (name, name.rpartition(".")[2] if not file else name)

    def _is_file(self, file):
        """Whether a path, or the end of one, is that of the file; any is where none is given."""
        return not file or self._file == file or self._file.endswith("/" + file)

    def _within(self, node):
        self._scope.append(node.name)
        node = self.generic_visit(node)
        self._scope.pop()
        return node

    def _loop_at(self, node, names):
        file, function, variable = self._loop or (None, None, None)
        here = ".".join(self._scope)
        wanted = (
            self._loop is not None
            and self._is_file(file)
            and function in (None, here, here.rpartition(".")[2])
        )
        read = {getattr(one, "id", getattr(one, "attr", None)) for one in ast.walk(names)}
        if not wanted or variable not in (None, *read):
            return self.generic_visit(node)
        loop, self._loop = self._loop, None  # a loop within it is none of ours
        node = self.generic_visit(node)
        self._loop = loop
        node.body.insert(0, _call("end()", node.body[0]))
        self.found += 1
        return [node, _call("over()", node)]


def _call(what, place):
    call = ast.parse(f"__evolverec_kit__.{what}").body[0]
    for node in ast.walk(call):
        ast.copy_location(node, place)
        if hasattr(node, "end_lineno"):
            node.end_lineno, node.end_col_offset = node.lineno, node.col_offset
    return call


def _cells(text, path):
    """The code cells of a notebook as one program, each statement on its line of the file."""
    told, module, after = text.decode("utf-8").splitlines(), ast.Module(body=[], type_ignores=[]), 0
    for cell in json.loads(text)["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = cell["source"] if isinstance(cell["source"], list) else cell["source"].splitlines(True)
        lines = ["pass  #\n" if one.lstrip().startswith(("%", "!")) else one for one in source]
        places = []
        for one in source:
            written = json.dumps(one, ensure_ascii=False)
            after = next(
                (n for n in range(after, len(told)) if told[n].strip().rstrip(",") == written), after
            )
            places.append(after + 1)
            after += 1
        tree = ast.parse("".join(lines), path)
        for node in ast.walk(tree):
            for name in ("lineno", "end_lineno"):
                if hasattr(node, name):
                    setattr(node, name, places[getattr(node, name) - 1])
        module.body += tree.body
    return module


class _Loader(importlib.machinery.SourceFileLoader):
    """Imports a module of the repo with the marks in it; never from compiled files."""

    def __init__(self, name, path, core):
        super().__init__(name, path)
        self._core = core

    def get_code(self, fullname):
        return self._core.compiled(self.path)

    def exec_module(self, module):
        module.__dict__["__evolverec_kit__"] = self._core
        super().exec_module(module)


class _Finder:
    def __init__(self, core):
        self._core = core

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        plain = isinstance(getattr(spec, "loader", None), importlib.machinery.SourceFileLoader)
        if plain and self._core.is_own(spec.origin):
            spec.loader = _Loader(name, spec.origin, self._core)
            return spec
        return None


def _library(target):
    """Whether "module:name" names a library's function rather than one of the repo's ("file.py:name", "name")."""
    return ":" in target and not target.partition(":")[0].endswith(".py")
