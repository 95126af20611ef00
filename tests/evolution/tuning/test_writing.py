"""A setting changes the numbers and nothing else, in the style of each place."""

import pytest

from evolution.tuning.space import find_space
from evolution.tuning.writing import change_words, values_in, with_values
from tests.evolution.tuning.test_numbers import STYLES

MAIN = "import {module}\n\ndef build(data):\n    return make('{path}', **vars({module}))\n"


def space_and_files(path: str, text: str):
    sources = {"main.py": MAIN.format(module=path.split(".")[0], path=path), path: text}
    return find_space(sources, entry="main:build", editable=("*",)), sources


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("path", STYLES)
def test_a_written_setting_is_read_again_and_all_else_stays(path, newline):
    text = STYLES[path].replace("\n", newline)
    space, sources = space_and_files(path, text)
    wanted = tuple({64: 128, 0.2: 0.35, 1e-3: 0.00412}[one.value] for one in space.dimensions)
    after = with_values(sources, space, wanted)
    assert set(after) == {path} and values_in({**sources, **after}, space) == wanted
    expected = text.replace("64", "128").replace("0.2", "0.35").replace("1e-3", "0.00412")
    assert after[path] == expected
    assert with_values(sources, space, space.values) == {}


def test_small_numbers_stay_numbers_for_every_reader_of_yaml():
    space, sources = space_and_files("shop.yaml", "weight_decay: 0.00001\n")
    assert with_values(sources, space, (0.0000032,)) == {"shop.yaml": "weight_decay: 0.0000032\n"}


def test_a_program_that_differs_in_more_than_its_numbers_has_no_setting():
    space, sources = space_and_files("constants.py", STYLES["constants.py"])
    assert values_in({**sources, "constants.py": "\n" + STYLES["constants.py"]}, space) is None
    assert values_in(sources, space) == space.values


def test_a_change_is_told_in_words():
    space, _ = space_and_files("constants.py", STYLES["constants.py"])
    values = tuple({64: 32, 0.2: 0.5, 1e-3: 0.002}[one.value] for one in space.dimensions)
    assert change_words(space, space.values) == ""
    assert change_words(space, values, most=1) == "LR 0.001 -> 0.002 and 2 more"
