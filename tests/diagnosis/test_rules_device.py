"""What only a device of its own costs is no finding where training is set to the CPU."""

from diagnosis.rules.check import check_sources
from diagnosis.rules.findings import of_what_ran, on_device

CODE = """
def train(model, batches, optimizer):
    total = 0.0
    for batch in batches:
        loss = model(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
    return total
"""


def test_reading_a_loss_costs_nothing_on_the_cpu():
    hits = check_sources({"m.py": CODE})
    assert "loss-read-at-every-step" in {hit.code for hit in on_device(hits, "auto")}
    assert "loss-read-at-every-step" not in {hit.code for hit in on_device(hits, "cpu")}
    assert [hit for hit in hits if hit.code != "loss-read-at-every-step"] == on_device(hits, "cpu")


PREPARES = """import random
def candidates(seen, n):
    item = random.randint(1, n)
    while item in seen:
        item = random.randint(1, n)
    return item
"""


def test_what_is_said_of_training_is_said_of_files_that_it_ran():
    hits = check_sources({"data/prepare.py": PREPARES, "sampler.py": PREPARES})
    assert {hit.path for hit in of_what_ran(hits, {})} == {"data/prepare.py", "sampler.py"}
    assert {hit.path for hit in of_what_ran(hits, {"sampler.py": [1, 3]})} == {"sampler.py"}
