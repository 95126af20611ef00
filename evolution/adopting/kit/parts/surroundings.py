"""What a program finds while it runs, and nobody else."""

import contextlib
import functools
import importlib
import importlib.machinery
import importlib.util
import os
import re
import types

from .scratch import ROOT


class _Swapped:
    """What a program finds while it runs, and nobody else: entered each time it goes on, left each time it waits."""

    def __init__(self):
        self.values = []  # (get, set) pairs with the program's own value
        self._outside = []

    def add(self, owner, name, value):
        item = isinstance(owner, dict)
        if isinstance(
            owner, types.ModuleType
        ):  # what a module makes up when it is asked is no value of its own
            get = functools.partial(vars(owner).get, name, _ABSENT)
        else:
            get = (lambda: owner.get(name, _ABSENT)) if item else (lambda: getattr(owner, name, _ABSENT))
        self.values.append([get, functools.partial(_put_item if item else _put, owner, name), value])

    def add_inside(self, owner, name, value):
        """The same while it is entered."""
        self.add(owner, name, value)
        get, put, _ = self.values[-1]
        self._outside.append(get())
        put(value)

    def call(self, get, put, value):
        self.values.append([get, put, value])

    def __enter__(self):
        for entry in self.values:
            get, put, value = entry
            self._outside.append(get())
            put(value)

    def __exit__(self, *_):
        for entry in reversed(self.values[: len(self._outside)]):
            get, put, _ = entry
            outside = self._outside.pop()
            with contextlib.suppress(OSError):  # a folder that somebody has removed
                entry[2] = get()
                put(outside)


_ABSENT = object()


def _put(owner, name, value):
    if value is not _ABSENT:
        setattr(owner, name, value)
    elif name in vars(owner):
        delattr(owner, name)


def _put_item(owner, name, value):
    if value is not _ABSENT:
        owner[name] = value
    else:
        owner.pop(name, None)


WRITES_CUDA = re.compile(
    rb"^(?!.*is_available).*(?:\.cuda\(|(?:to|device)\(\s*[\"']cuda|device\s*=\s*[\"']cuda|cuda\.(?:\w+Tensor|set_device|synchronize)\()",
    re.M,
)

MADE_ON_A_DEVICE = {
    "to", "tensor", "as_tensor", "empty", "zeros", "ones", "full", "eye", "arange", "linspace", "rand", "randn", "randint",
    "randperm", "zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like", "new_zeros", "new_ones",
}  # fmt: skip


def _without_gpu(torch):
    """A mode of torch in which "cuda" means the processor, for repos that write it without asking whether there is one."""

    def on_cpu(value):
        is_gpu = isinstance(value, (str, torch.device)) and str(value).startswith("cuda")
        return "cpu" if is_gpu else value

    class WithoutGpu(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):
            name, kwargs = getattr(func, "__name__", ""), kwargs or {}
            if name == "cuda":
                return args[0]
            if name in MADE_ON_A_DEVICE:
                args, kwargs = (
                    [on_cpu(one) for one in args],
                    {key: on_cpu(one) for key, one in kwargs.items()},
                )
            return func(*args, **kwargs)

    return WithoutGpu()


def _of_cuda_on_cpu(torch):
    """(owner, name, value) of what torch.cuda makes or waits for, made on the processor."""
    for kind in ("Float", "Double", "Half", "Long", "Int", "Short", "Byte", "Bool"):
        yield torch.cuda, f"{kind}Tensor", getattr(torch, f"{kind}Tensor")
    for name in ("set_device", "synchronize"):
        yield torch.cuda, name, lambda *_, **__: None


def _with_paths(original, moved):
    """The same function for other paths: its first two arguments may be some."""

    @functools.wraps(original)
    def call(*args, **kwargs):
        return original(*map(moved, args[:2]), *args[2:], **kwargs)

    return call


def _with_folders(original, inside, place):
    """The same function, which first makes the folder of a file that it writes, where that lies in the folder `inside`.

    place: of the path among its arguments. A mode that reads makes nothing.
    """

    @functools.wraps(original)
    def call(*args, **kwargs):
        path = args[place] if len(args) > place else None
        mode = kwargs.get("mode", args[place + 1] if len(args) > place + 1 else "r") if place == 0 else "w"
        if isinstance(path, (str, os.PathLike)) and str(mode)[:1] in "wax":
            folder = os.path.dirname(os.path.abspath(os.fspath(path)))
            if folder.startswith(inside + os.sep):
                os.makedirs(folder, exist_ok=True)
        return original(*args, **kwargs)

    return call


def _marked(mark, original, skipped, name):
    @functools.wraps(original)
    def call(*args, **kwargs):
        mark()
        return skipped[name] if name in skipped else original(*args, **kwargs)

    return call


class _Nothing:
    """Whatever is asked of it, it does nothing; called with something to go through, it goes through that."""

    def __init__(self, given=(), total=None):
        self._given, self._total = given, total

    def __call__(self, *given, total=None, **_):
        return _Nothing(given[0] if given else (), total)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __iter__(self):
        return iter(range(self._given) if isinstance(self._given, int) else self._given)

    def __len__(self):  # as a progress bar's: what it goes through, or what it was told that there is
        return self._given if isinstance(self._given, int) else self._total or len(self._given)

    def __bool__(self):
        return True

    def __matmul__(self, other):
        return self

    __rmatmul__ = __getitem__ = __matmul__

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def __mro_entries__(self, bases):
        return (_StandIn,)


class _StandIn:
    """What classes of the program inherit from in the place of a class of a library that is not there."""

    def __init__(self, *_, **__):
        pass

    def __getattr__(self, name):
        return getattr(_Nothing(), name)


NEEDS = {"torch.utils.tensorboard": "tensorboard"}


def _installed(name):
    return importlib.util.find_spec(name) is not None


# What they write nobody keeps, and their threads write by relative paths while the program, and its working directory, are away.
RECORDERS = {"tensorboard", "tensorboardX", "wandb", "mlflow", "neptune", "comet_ml", "clearml", "visdom", "swanlab", "aim"}  # fmt: skip


class _Stubs(importlib.machinery.BuiltinImporter):
    """Stands in for libraries that the program imports and that only record, or that nobody has installed here."""

    def __init__(self, names):
        self._names = set(names)

    @classmethod
    def before(cls, names):
        """For libraries that only record, installed or not, and for parts of installed ones that raise where another is missing."""
        own = {
            one
            for one in RECORDERS
            if (ROOT / f"{one}.py").is_file() or (ROOT / one / "__init__.py").is_file()
        }
        recorders = RECORDERS.intersection(names) - own
        needed = {
            part for part, one in NEEDS.items() if one in names and (one in recorders or not _installed(one))
        }
        wanted = recorders | needed
        return [cls(wanted)] if wanted else []

    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in self._names):
            return importlib.machinery.ModuleSpec(name, self, is_package=True)
        return None

    def create_module(self, spec):
        module = types.ModuleType(spec.name)
        module.__getattr__ = lambda name: _Nothing().__getattr__(name)
        module.__version__ = "0"
        return module

    def exec_module(self, module):
        pass
