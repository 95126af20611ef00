"""Checkpoints as strangers write them: understood through their wrappings, refused by name, never run."""

import json
import pickle
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from evolution.worker.guest.checkpoint_file import read_checkpoint
from evolution.worker.guest.checkpoint_load import load_checkpoint
from evolution.worker.guest.failures import ContractBroken
from evolution.worker.guest.recommender import CheckedRecommender

N_ITEMS = 12


class Net(nn.Module):
    def __init__(self, n_items: int = N_ITEMS) -> None:
        super().__init__()
        self.items = nn.Embedding(n_items + 1, 4)
        self.reader = nn.GRU(4, 4, batch_first=True)
        self.norm = nn.BatchNorm1d(4)  # buffers, and a number of batches


class Held:
    """Holds its module, as an adapter of a script does, and a loss without parameters."""

    def __init__(self) -> None:
        self.net, self.loss = Net(), nn.BCEWithLogitsLoss()

    def fit(self) -> Any: ...
    def score(self, users: Any, histories: Any) -> Any: ...


class Owned(Held):
    """Has a state of its own making, an optimizer's among it."""

    def __init__(self) -> None:
        super().__init__()
        self.adam = torch.optim.Adam(self.net.parameters())
        self.epochs = 0

    def state_dict(self) -> dict[str, Any]:
        return {"model": self.net.state_dict(), "optimizer": self.adam.state_dict(), "epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.net.load_state_dict(state["model"])
        self.epochs = state["epochs"]


class Itself(nn.Module):
    """Is the module, one level above the network."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = Net()

    def fit(self) -> Any: ...
    def score(self, users: Any, histories: Any) -> Any: ...


class Counts:
    """Of numpy alone; the table is made by fit()."""

    def __init__(self) -> None:
        self.table: Any = None

    def fit(self) -> Any: ...
    def score(self, users: Any, histories: Any) -> Any: ...

    def state_dict(self) -> dict[str, Any]:
        return {"table": self.table}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.table = state["table"]


@pytest.fixture(autouse=True)
def other_numbers() -> None:
    """Weights of a test's own network are not those that a recommender of seed 0 begins with."""
    torch.manual_seed(7)


def candidate(kind: type) -> CheckedRecommender:
    def build(data: Any, *, device: str, seed: int) -> Any:
        return kind()

    return CheckedRecommender(build, SimpleNamespace(n_items=N_ITEMS), device="cpu", seed=0)


def saved(net: nn.Module) -> dict[str, Any]:
    return dict(net.state_dict())


def behind(prefix: str, state: dict[str, Any]) -> dict[str, Any]:
    return {prefix + name: value for name, value in state.items()}


WRAPPINGS = {
    "plain": lambda state: state,
    "state_dict": lambda state: {"state_dict": state, "epoch": 3},
    "model and optimizer": lambda state: {
        "model": state,
        "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}},
    },
    "data parallel": lambda state: {"model_state_dict": behind("module.", state)},
    "compiled": lambda state: behind("_orig_mod.", state),
    "lightning": lambda state: {"state_dict": {**behind("model.", state), "criterion.weight": torch.ones(3)}},
    "half": lambda state: {name: v.half() if v.is_floating_point() else v for name, v in state.items()},
    "deep": lambda state: {"trainer": {"net": {"weights": state}}},
}


@pytest.mark.parametrize("kind", [Held, Owned, Itself])
@pytest.mark.parametrize("wrapping", WRAPPINGS)
def test_a_state_is_found_within_its_wrapping(kind, wrapping, tmp_path):
    trained, recommender = Net(), candidate(kind)
    torch.save(WRAPPINGS[wrapping](saved(trained)), tmp_path / "c.pt")
    load_checkpoint(recommender, str(tmp_path / "c.pt"))
    net = recommender.model.encoder if kind is Itself else recommender.model.net
    for name, value in trained.state_dict().items():
        torch.testing.assert_close(net.state_dict()[name], value, rtol=1e-2, atol=1e-3)


@pytest.mark.parametrize("write", ["npz", "pickle", "safetensors"])
def test_files_without_torch_are_read_too(write, tmp_path):
    trained, recommender = Net(), candidate(Held)
    path = tmp_path / "c"
    arrays = {name: value.numpy() for name, value in saved(trained).items()}
    if write == "npz":
        with path.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    elif write == "pickle":
        path.write_bytes(pickle.dumps({"model": arrays}))
    else:
        path.write_bytes(as_safetensors(arrays))
    load_checkpoint(recommender, str(path))
    assert torch.equal(recommender.model.net.items.weight, trained.items.weight)


def as_safetensors(arrays: dict[str, Any]) -> bytes:
    names = {"float32": "F32", "int64": "I64"}
    header, body = dict[str, Any](), b""
    for name, array in arrays.items():
        data = array.tobytes()
        about = {"dtype": names[str(array.dtype)], "shape": list(array.shape)}
        header[name] = {**about, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps({**header, "__metadata__": {"format": "pt"}}).encode()
    return len(text).to_bytes(8, "little") + text + body


def test_a_table_that_fit_makes_is_taken_from_the_file(tmp_path):
    recommender = candidate(Counts)
    np.savez(tmp_path / "c.npz", allow_pickle=False, table=np.eye(3))
    load_checkpoint(recommender, str(tmp_path / "c.npz"))
    assert (recommender.model.table == np.eye(3)).all()


def test_arrays_within_a_file_of_torch_are_read(tmp_path):
    recommender = candidate(Counts)
    torch.save({"table": np.arange(6.0).reshape(2, 3), "epoch": np.float32(2)}, tmp_path / "c.pt")
    load_checkpoint(recommender, str(tmp_path / "c.pt"))
    assert recommender.model.table.shape == (2, 3)


MISFITS = {
    "lacks reader.weight_ih_l0, reader.weight_hh_l0, reader.bias_ih_l0 and 1 more": lambda state: {
        name: value for name, value in state.items() if not name.startswith("reader")
    },
    r"items.weight is \(31, 4\) in the file and \(13, 4\) in the model": lambda state: {
        **state,
        "items.weight": torch.ones(31, 4),
    },
    "also has attention.weight": lambda state: {**state, "attention.weight": torch.ones(2, 2)},
    "no state dict: expected names and tensors, found a Tensor": lambda state: state["items.weight"],
    "no state dict: expected names and tensors, found a dict": lambda state: {"epoch": 3},
}


@pytest.mark.parametrize("said", MISFITS)
def test_what_does_not_fit_is_named(said, tmp_path):
    torch.save(MISFITS[said](saved(Net())), tmp_path / "c.pt")
    with pytest.raises(ContractBroken, match=said):
        load_checkpoint(candidate(Held), str(tmp_path / "c.pt"))


class Trap:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> Any:
        return Path.touch, (self.marker,)


@pytest.mark.parametrize("write", ["torch", "pickle", "npz"])
def test_no_code_of_a_file_is_run(write, tmp_path):
    marker, path = tmp_path / "ran", tmp_path / "c"
    held = {**saved(Net()), "trap": Trap(marker)}
    if write == "torch":
        torch.save(held, path)
    elif write == "pickle":
        path.write_bytes(pickle.dumps(held))
    else:
        with path.open("wb") as file:
            np.savez(file, trap=np.array([Trap(marker)], dtype=object))
    with pytest.raises(ContractBroken, match=r"holds .+, which is not loaded"):
        read_checkpoint(str(path))
    assert not marker.exists()


def test_a_whole_module_is_refused_with_what_to_do(tmp_path):
    torch.save({"net": Net(), "args": Namespace(d=4)}, tmp_path / "c.pt")
    with pytest.raises(ContractBroken, match=r"torch.save\(model.state_dict\(\), PATH\)"):
        read_checkpoint(str(tmp_path / "c.pt"))


@pytest.mark.parametrize("content", [b"PK\x03\x04 cut short", b"hello there, world", b"\x80\x04cut", b""])
def test_a_damaged_or_foreign_file_is_told_in_words(content, tmp_path):
    (tmp_path / "c.pt").write_bytes(content)
    with pytest.raises(ContractBroken, match=r"cannot be read|none of the files"):
        read_checkpoint(str(tmp_path / "c.pt"))


def test_a_recommender_without_a_state_is_told_what_it_lacks(tmp_path):
    class Stateless:
        def fit(self) -> Any: ...
        def score(self, users: Any, histories: Any) -> Any: ...

    torch.save(saved(Net()), tmp_path / "c.pt")
    with pytest.raises(ContractBroken, match="no state_dict"):
        load_checkpoint(candidate(Stateless), str(tmp_path / "c.pt"))


def test_a_load_that_takes_nothing_is_no_load(tmp_path):
    class Deaf(Held):
        def state_dict(self) -> dict[str, Any]:
            return self.net.state_dict()

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.net.load_state_dict({}, strict=False)

    torch.save(saved(Net()), tmp_path / "c.pt")
    with pytest.raises(ContractBroken, match=r"load_state_dict\(\) left items\.weight"):
        load_checkpoint(candidate(Deaf), str(tmp_path / "c.pt"))
