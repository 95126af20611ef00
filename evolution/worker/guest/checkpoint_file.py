"""Opens a checkpoint that a stranger may have written: tensors, arrays, numbers and texts, and never any code.

Formats: what torch.save writes, safetensors, NumPy's .npz, and a pickle that holds arrays alone. Runs in a worker only.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from .failures import ContractBroken

HEAD = 9  # bytes by which a format is known
LARGEST_HEADER = 100 << 20  # bytes of a safetensors header, as the format itself limits it
# What a pickle of arrays needs; NumPy 2 renamed the modules.
HARMLESS = {
    ("collections", "OrderedDict"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
    ("numpy.core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}
DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?",
}  # fmt: skip


def read_checkpoint(path: str) -> Any:
    """What the file holds. Raises ContractBroken, which says what to do, if it is none of the formats or holds code."""
    file = Path(path)
    head = _head(file)
    if head[8:9] == b"{":
        return _safetensors(file)
    if _is_npz(file):
        return _arrays(file)
    torch: Any = sys.modules.get("torch")
    if head[:2] == b"PK" or _is_legacy_torch(file):
        if torch is None:
            raise ContractBroken(
                "the checkpoint was written by torch, which this repo does not import; save its arrays with numpy.savez"
            )
        return _torch_file(torch, file)
    if head[:1] == b"\x80":
        return _pickle(file)
    raise ContractBroken(
        "the checkpoint is none of the files that can be opened; expected a state dict written by torch.save, "
        "safetensors, or numpy.savez"
    )


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(HEAD)


def _is_npz(file: Path) -> bool:
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as packed:
        names = packed.namelist()
    return bool(names) and all(name.endswith(".npy") for name in names)


def _is_legacy_torch(file: Path) -> bool:
    """Whether torch before 1.6 wrote the file: it begins with a pickled magic number."""
    with file.open("rb") as stream:
        return b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19" in stream.read(32)


def _torch_file(torch: Any, file: Path) -> Any:
    allowing = getattr(torch.serialization, "safe_globals", None)  # since torch 2.5
    try:
        with allowing(_of_arrays()) if allowing is not None else contextlib.nullcontext():
            return torch.load(str(file), map_location="cpu", weights_only=True)
    except TypeError:
        raise ContractBroken(
            f"torch {torch.__version__} cannot open a file without running code in it; use torch 1.13 or later, or save "
            "the arrays with numpy.savez"
        ) from None
    except pickle.UnpicklingError as error:
        raise _holds_code(_named(str(error))) from None
    except Exception as error:  # noqa: BLE001 - a damaged file raises what it likes
        raise _damaged(error) from None


def _of_arrays() -> list[Any]:
    """What a pickled array of numbers names, beside what torch itself allows."""
    core: Any = getattr(np, "_core", None) or np.core
    kinds = {type(np.dtype(kind)) for kind in "?bhilqBHILQefd"}
    return [core.multiarray._reconstruct, core.multiarray.scalar, np.ndarray, np.dtype, *kinds]


def _named(said: str) -> str:
    """The class that torch refuses to load, from its message."""
    found = re.search(r"(?:GLOBAL|class|global) `?([\w.]+\.[\w.]+)", said)
    return found.group(1) if found else "an object that is no tensor"


def _holds_code(what: str) -> ContractBroken:
    return ContractBroken(
        f"the checkpoint holds {what}, which is not loaded, as a pickle of objects can run any code; save the weights alone: "
        "torch.save(model.state_dict(), PATH)"
    )


def _damaged(error: BaseException) -> ContractBroken:
    said = str(error).split(". ")[0]
    return ContractBroken(
        f"the checkpoint cannot be read: {type(error).__name__}: {said:.200}. Is it complete?"
    )


def _arrays(file: Path) -> dict[str, Any]:
    try:
        with np.load(str(file), allow_pickle=False) as packed:
            return {name: packed[name] for name in packed.files}
    except ValueError as error:
        raise (
            _holds_code("arrays of Python objects") if "allow_pickle" in str(error) else _damaged(error)
        ) from None
    except (OSError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise _damaged(error) from None


class _Unpickler(pickle.Unpickler):
    """Builds arrays and plain containers, and refuses whatever else a pickle names."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in HARMLESS:
            raise _holds_code(f"{module}.{name}")
        return super().find_class(module, name)


def _pickle(file: Path) -> Any:
    try:
        with file.open("rb") as stream:
            return _Unpickler(stream).load()
    except ContractBroken:
        raise
    except Exception as error:  # noqa: BLE001 - a damaged file raises what it likes
        raise _damaged(error) from None


def _safetensors(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if size > LARGEST_HEADER:
                raise ValueError(f"its header would have {size} bytes")
            header = json.loads(stream.read(size))
            body = np.frombuffer(stream.read(), dtype=np.uint8)
        return {name: _tensor(told, body) for name, told in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _damaged(error) from None


def _tensor(told: Any, body: np.ndarray) -> np.ndarray:
    first, end = told["data_offsets"]
    held = body[first:end]
    if told["dtype"] == "BF16":  # the upper half of a float32
        wide = held.view("<u2").astype(np.uint32) << 16
        return wide.view(np.float32).reshape(told["shape"])
    return held.view(DTYPES[told["dtype"]]).reshape(told["shape"]).copy()
