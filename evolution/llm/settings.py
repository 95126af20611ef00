"""The user's endpoint, the model for each role, and prices. A repo can change none of it.

The settings come from the `[llm]` table of the user's `config.toml` and from the environment, which wins.
`OPENAI_API_KEY` is sent to `OPENAI_BASE_URL` or to OpenAI and nowhere else, and only once a model is named: a key that
is in the environment for other programs is not consent to spend.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from evolution.base.errors import UsageError
from evolution.base.places import user_config_folder
from evolution.llm.price_list import Price, listed_prices

OPENAI = "https://api.openai.com/v1"
NO_ADDRESS = "http://127.0.0.1:9/v1"  # where a command answers, nothing may go to an address by default
ROLES = ("planner", "researcher", "coder", "debugger", "persona", "analyst", "probe-author", "judge")
MILLION = 1_000_000


@dataclass(frozen=True, kw_only=True)
class LlmSettings:
    """One endpoint, and how it is asked.

    models, efforts: by role, if they differ from `model` and from the endpoint's own effort.
    prices: by model.
    listed: the models whose price is that of our list (`price_list`), and none that the user has set.
    timeout_s: of one answer, from the request to its last byte.
    concurrency: exchanges at once.
    retries: further tries after one that brought no answer.
    max_output_tokens: of one answer, thinking included.
    command: a program and its arguments, which is asked in place of an address (see `command_endpoint`); () for none.
    """

    base_url: str
    key: str = field(repr=False)
    model: str
    models: Mapping[str, str] = field(default_factory=dict)
    efforts: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, Price] = field(default_factory=dict)
    listed: frozenset[str] = frozenset()
    timeout_s: float = 180.0
    concurrency: int = 4
    retries: int = 4
    max_output_tokens: int = 16_000
    command: tuple[str, ...] = ()

    @property
    def named(self) -> str:
        """What answers, for messages: the address, or the command's program."""
        return f"command {self.command[0]}" if self.command else f"endpoint {self.base_url}"

    def model_of(self, role: str) -> str:
        """The model for a role."""
        return self.models.get(role, self.model)

    def effort_of(self, role: str) -> str:
        """The reasoning effort for a role; "" leaves it to the endpoint."""
        return self.efforts.get(role, "")

    def models_used(self) -> tuple[str, ...]:
        """The models of all roles, each once, sorted."""
        return tuple(sorted({self.model_of(role) for role in ROLES}))


def llm_settings(table: Mapping[str, Any]) -> LlmSettings | None:
    """Read the `[llm]` table ({} if there is none) and the environment; None if no model is named.

    Raises UsageError naming the file and key, or the variable, that is wrong, and what was expected.
    """
    _check_table(table)
    environment = os.environ
    own_url = environment.get("EVOLVEREC_LLM_BASE_URL", "") or table.get("base_url", "")
    command = () if own_url else tuple(table.get("command", ()))
    named = environment.get("EVOLVEREC_LLM_MODEL", "") or table.get("model", "")
    model = named or (Path(command[0]).name if command else "")
    if not model:
        if own_url or table:
            raise UsageError(
                "an LLM endpoint is set, but no model: set EVOLVEREC_LLM_MODEL, or `model` in the [llm] table of "
                f"{_file()}, to the name of a model that it has"
            )
        return None
    base_url = (own_url or environment.get("OPENAI_BASE_URL", "") or OPENAI).rstrip("/")
    base_url = NO_ADDRESS if command else base_url
    _check_url(base_url)
    numbers = {name: table[name] for name in NUMBERS if name in table}
    settings = LlmSettings(
        base_url=base_url,
        key="" if command else _checked_key(_key(table, base_url)),
        model=model,
        models=dict(table.get("models", {})),
        efforts=dict(table.get("efforts", {})),
        prices={name: _price(name, price) for name, price in table.get("prices", {}).items()},
        command=command,
        **numbers,
    )
    return settings if command else _with_list_prices(settings)


def _with_list_prices(settings: LlmSettings) -> LlmSettings:
    """The settings with list prices for the models that the user has given none. A command bills nobody by the token."""
    listed = listed_prices(model for model in settings.models_used() if model not in settings.prices)
    return replace(settings, prices={**listed, **settings.prices}, listed=frozenset(listed))


def _key(table: Mapping[str, Any], base_url: str) -> str:
    own = os.environ.get("EVOLVEREC_LLM_KEY", "") or table.get("key", "")
    of_openai = os.environ.get("OPENAI_BASE_URL", "").rstrip("/") or OPENAI
    return own or (os.environ.get("OPENAI_API_KEY", "") if base_url in (of_openai, OPENAI) else "")


def _checked_key(key: str) -> str:
    """The key as an HTTP header can hold it. Raises UsageError, which does not show the key."""
    key = key.strip()
    if not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(
            "the LLM key holds blanks or characters that no key has; copy it again into EVOLVEREC_LLM_KEY or "
            f"`key` in the [llm] table of {_file()}"
        )
    return key


def _check_url(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.username
        fits = fits and (parts.port is None or parts.port > 0) and not parts.query and not parts.fragment
    except ValueError:
        fits = False
    if not fits:
        raise UsageError(
            "the LLM endpoint's address is not a plain http or https address; set EVOLVEREC_LLM_BASE_URL, or "
            f"`base_url` in the [llm] table of {_file()}, to one like http://localhost:8000/v1, without a key in it"
        )


TEXTS = ("base_url", "key", "model")
NUMBERS = {
    "timeout_s": (float, "seconds above 0"),
    "concurrency": (int, "a number of exchanges at once, 1 or more"),
    "retries": (int, "a number of further tries, 0 or more"),
    "max_output_tokens": (int, "a number of tokens, 1 or more"),
}
BY_ROLE = ("models", "efforts")
PRICES = ("input", "output", "cached")


def _check_table(table: Mapping[str, Any]) -> None:
    for name, value in table.items():
        if name in TEXTS:
            _expect(name, value, isinstance(value, str), "a text")
        elif name in NUMBERS:
            _expect(name, value, _is_number(name, value), NUMBERS[name][1])
        elif name in BY_ROLE:
            _check_roles(name, value)
        elif name == "command":
            texts = isinstance(value, list) and bool(value) and all(isinstance(x, str) and x for x in value)
            _expect(
                name, value, texts, 'a list of texts, the program and its arguments, such as ["claude", "-p"]'
            )
        elif name != "prices":
            known = ", ".join(sorted((*TEXTS, *NUMBERS, *BY_ROLE, "command", "prices")))
            raise UsageError(f"{_file()}: unknown key {name!r} in [llm]; expected one of {known}")
    if "command" in table and "base_url" in table:
        raise UsageError(f"{_file()}: [llm] has both `command` and `base_url`; expected one of them")
    prices = table.get("prices", {})
    _expect("prices", prices, isinstance(prices, dict), 'a table: [llm.prices."MODEL"] with input and output')


def _is_number(name: str, value: Any) -> bool:
    kind, _ = NUMBERS[name]
    fits = isinstance(value, int if kind is int else (int, float)) and not isinstance(value, bool)
    return fits and value < float("inf") and (value >= 0 if name == "retries" else value > 0)


def _check_roles(name: str, value: Any) -> None:
    _expect(name, value, isinstance(value, dict), "a table: a text for each role")
    for role, text in value.items():
        if role not in ROLES:
            raise UsageError(
                f"{_file()}: unknown role {role!r} in [llm.{name}]; expected one of {', '.join(ROLES)}"
            )
        _expect(f"{name}.{role}", text, isinstance(text, str) and bool(text), "a text")


def _price(model: str, value: Any) -> Price:
    name = f'prices."{model}"'
    _expect(name, value, isinstance(value, dict), "a table with input and output, USD per million tokens")
    unknown = sorted(set(value) - set(PRICES))
    if unknown or not {"input", "output"} <= set(value):
        raise UsageError(
            f"{_file()}: [llm.{name}] has {', '.join(sorted(value)) or 'nothing'}; expected input and output, USD "
            "per million tokens, and perhaps cached"
        )
    for key, number in value.items():
        fits = (
            isinstance(number, (int, float)) and not isinstance(number, bool) and 0 <= number < float("inf")
        )
        _expect(f"{name}.{key}", number, fits, "USD per million tokens, 0 or more")
    exact = {key: Decimal(str(number)) for key, number in value.items()}
    return Price(input=exact["input"], output=exact["output"], cached=exact.get("cached", exact["input"]))


def _expect(name: str, value: Any, fits: bool, expected: str) -> None:
    if not fits:
        shown = "" if name == "key" else f" is {value!r};"
        raise UsageError(f"{_file()}: {name} in [llm]{shown or ':'} expected {expected}")


def _file() -> str:
    return str(user_config_folder() / "config.toml")
