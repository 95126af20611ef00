"""What the debugger is told of a failure: everything of the program, nothing of this machine."""

from evolution.domain.trial import Failure, FailureReason
from evolution.proposers.coding.failures import places_of, told, without_paths

FILES = {"model.py": "a = 1\nb = 2\nc = 3\n", "layers/attention.py": "d = 4\n" * 20}
TRACEBACK = """Traceback (most recent call last):
  File "/tmp/run/_evolverec_worker/main.py", line 70, in smoke
    reply = work()
            ^^^^^^
  File "/home/jane/project/layers/attention.py", line 9, in forward
    return torch.matmul(q, k)
           ^^^^^^^^^^^^^^^^^^
  File "/home/jane/.venv/lib/python3.11/site-packages/torch/functional.py", line 12, in matmul
    return _C.matmul(a, b)
  File "/usr/lib/python3.11/random.py", line 3, in x
    pass
RuntimeError: could not read /home/jane/data/items.csv (see https://pytorch.org/docs/stable/x.html), shape 3/4
"""


def failure(**other):
    values = {
        "reason": FailureReason.CRASH,
        "message": "fit() raised RuntimeError: /home/jane/data/items.csv",
        "path": "layers/attention.py",
        "line": 9,
        "traceback": TRACEBACK,
        **other,
    }
    return Failure(**values)


def test_no_path_of_the_machine_is_left():
    words = told(failure(), FILES)
    assert "/home" not in words and "jane" not in words and "/usr" not in words and "/tmp" not in words
    assert words.startswith("crash at layers/attention.py:9: fit() raised RuntimeError: items.csv\n")


def test_frames_of_the_program_and_of_libraries_stay_and_our_own_go():
    words = told(failure(), FILES)
    assert 'File "layers/attention.py", line 9, in forward' in words
    assert 'File "torch/functional.py", line 12' in words
    assert "_evolverec_worker" not in words and "reply = work()" not in words
    assert "https://pytorch.org/docs/stable/x.html" in words and "shape 3/4" in words


def test_a_long_traceback_keeps_its_end():
    long = failure(
        traceback=TRACEBACK.replace("RuntimeError:", "\n".join(["  x = 1"] * 2000) + "\nRuntimeError:")
    )
    assert len(told(long, FILES)) < 4_200
    assert told(long, FILES).rstrip().endswith("shape 3/4")


def test_a_failure_without_traceback_is_its_message():
    bare = failure(path="", line=0, traceback="", message="scores are (3, 4)", reason=FailureReason.CONTRACT)
    assert told(bare, FILES) == "contract: scores are (3, 4)"


def test_named_lines_are_shown_with_what_is_around_them():
    places = places_of("crash at model.py:2: x\n" + without_paths(TRACEBACK, FILES), FILES)
    assert [place["place"] for place in places] == ["model.py:2", "layers/attention.py:9"]
    assert places[0]["text"] == "1| a = 1\n2| b = 2\n3| c = 3"
    assert places_of("gone.py:2: x", FILES) == []


def test_division_and_fractions_are_no_paths():
    assert without_paths("lr = base/steps/2, a / b, 1/2/3", FILES) == "lr = base/steps/2, a / b, 1/2/3"
