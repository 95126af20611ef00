from __future__ import annotations

from typing import Any, Callable

MODELS: dict[str, Callable[..., Any]] = {}


def register(name: str):
    """Class decorator: the model can be named in the configuration."""

    def wrap(cls):
        if name in MODELS:
            raise KeyError(f"{name} is registered already")
        MODELS[name] = cls
        return cls

    return wrap


def create(name: str, **kwargs):
    return MODELS[name](**kwargs)
