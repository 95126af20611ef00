"""What a job may be asked to do: defaults, what is refused and in which words, and when two requests are the same."""

import typing
from dataclasses import fields, replace

import pytest

from evolution.base import serial
from evolution.base.errors import RequestError, UsageError
from evolution.domain import request as requests
from evolution.domain.job import JobKind, JobRecord, JobState
from evolution.domain.request import (
    LIMITS,
    NEWEST,
    REQUESTS,
    TERMS,
    CompareRequest,
    DeviceChoice,
    EvolveRequest,
    ProposeRequest,
    RunRequest,
    SimulateRequest,
    StrategyName,
    TrainRequest,
    VerifyRequest,
    asks_for,
    options_of,
    parse_request,
)
from evolution.jobs.work import WORK, work_of

NEEDED = {
    JobKind.VERIFY: {"proposal": "abcd"},
    JobKind.RECOMMEND: {"out": "lists.csv"},
    JobKind.EXPLAIN: {"code": "x"},
}


def parsed(kind: JobKind, **given: object):
    return parse_request(kind, {**NEEDED.get(kind, {}), **given})


@pytest.mark.parametrize("kind", JobKind)
def test_every_kind_of_job_has_its_request_and_a_function_that_takes_it(kind):
    assert REQUESTS[kind].kind is kind and set(WORK) == set(REQUESTS) == set(JobKind)
    assert typing.get_type_hints(work_of(kind))["request"] is REQUESTS[kind]


@pytest.mark.parametrize("kind", JobKind)
def test_a_request_survives_the_store(kind):
    asked = replace(parsed(kind), python="/usr/bin/python3", device=DeviceChoice.CPU)
    assert parse_request(kind, serial.loads(dict, serial.dumps(asked))) == asked


@pytest.mark.parametrize("kind", JobKind)
def test_an_unknown_option_is_named_with_what_was_expected(kind):
    with pytest.raises(RequestError) as raised:
        parsed(kind, pyton="/usr/bin/python3")
    known = ", ".join(sorted(options_of(REQUESTS[kind])))
    said = f"pyton is no option of {kind}; did you mean python? expected one of {known}"
    assert str(raised.value) == said
    with pytest.raises(RequestError, match=r"zzz is no option of \w+; expected one of"):
        parsed(kind, zzz=1)


@pytest.mark.parametrize(
    ("kind", "given", "said"),
    [
        (JobKind.PROPOSE, {"trials": True}, "trials is True; expected a whole number, 1 or more"),
        (JobKind.PROPOSE, {"trials": "3"}, "trials is '3'; expected a whole number"),
        (JobKind.PROPOSE, {"trials": 2.0}, "trials is 2.0; expected a whole number"),
        (JobKind.PROPOSE, {"trials": 0}, "trials is 0"),
        (JobKind.PROPOSE, {"trials": None}, "trials is None"),
        (JobKind.EVOLVE, {"trials": -1}, "trials is -1; expected a whole number, 1 or more, or nothing"),
        (JobKind.EVOLVE, {"budget_usd": -0.5}, "budget_usd is -0.5; expected a number, 0 or more"),
        (JobKind.EVOLVE, {"budget_usd": float("nan")}, "budget_usd is nan"),
        (JobKind.EVOLVE, {"budget_gpu_s": float("inf")}, "budget_gpu_s is inf"),
        (JobKind.EVOLVE, {"budget_gpu_s": 10**400}, "budget_gpu_s is 1000"),
        (JobKind.EVOLVE, {"budget_usd": False}, "budget_usd is False"),
        (JobKind.EVOLVE, {"gate": 1}, "gate is 1; expected true or false"),
        (JobKind.EVOLVE, {"resume": True}, "resume is True; expected a text"),
        (JobKind.EVOLVE, {"strategy": "wizard"}, "strategy is 'wizard'; expected one of directional, research"),
        (JobKind.EVOLVE, {"strategy": []}, r"strategy is \[\]; expected one of directional"),
        (JobKind.EVOLVE, {"proposer": "me"}, "proposer is 'me'; expected one of auto, recipes, llm, both"),
        (JobKind.TRAIN, {"seed": -1}, "seed is -1; expected a whole number, 0 or more, below 2147483648, or nothing"),
        (JobKind.TRAIN, {"seed": 2**31}, "seed is 2147483648"),
        (JobKind.TRAIN, {"device": "abacus"}, "device is 'abacus'; expected one of auto, cpu, cuda, mps"),
        (JobKind.TRAIN, {"python": None}, "python is None; expected a text"),
        (JobKind.COMPARE, {"strategies": "nas"}, "strategies is 'nas'; expected a list of different values, each one of"),
        (JobKind.COMPARE, {"strategies": ["nas", "nas"]}, "expected a list of different values"),
        (JobKind.COMPARE, {"strategies": []}, "expected a list"),
        (JobKind.COMPARE, {"seeds": 0}, "seeds is 0"),
        (JobKind.SIMULATE, {"llm_users": -1}, "llm_users is -1; expected a whole number, 0 or more"),
        (JobKind.VERIFY, {"proposal": ""}, "proposal is ''; expected a text that is not empty"),
    ],
)  # fmt: skip
def test_nothing_is_guessed_and_the_error_says_what_was_expected(kind, given, said):
    with pytest.raises(UsageError, match=said):
        parsed(kind, **given)


def test_what_is_needed_and_missing_is_named():
    with pytest.raises(RequestError, match="proposal is missing; expected a text that is not empty"):
        parse_request(JobKind.VERIFY, {})


def test_a_request_made_directly_is_checked_like_one_that_is_parsed():
    with pytest.raises(RequestError, match="trials is 0"):
        ProposeRequest(trials=0)
    with pytest.raises(RequestError, match="expected a list of different values"):
        CompareRequest(strategies=())
    assert EvolveRequest(budget_usd=1) == parse_request(JobKind.EVOLVE, {"budget_usd": 1.0})


def test_json_has_lists_and_texts_where_a_request_has_tuples_and_members():
    asked = parse_request(JobKind.COMPARE, {"strategies": ["nas", "greedy"], "device": "cpu"})
    assert asked == CompareRequest(
        strategies=(StrategyName.NAS, StrategyName.GREEDY), device=DeviceChoice.CPU
    )


def test_an_error_names_the_option_as_it_was_spelled():
    def shouted(name: str) -> str:
        return name.upper()

    with pytest.raises(RequestError, match="BUDGET_USD is -1"):
        parse_request(JobKind.EVOLVE, {"BUDGET_USD": -1}, spelling=shouted)
    with pytest.raises(RequestError, match=r"trials is no option of evolve; .*TRIALS"):
        parse_request(JobKind.EVOLVE, {"trials": 4}, spelling=shouted)
    with pytest.raises(RequestError, match="PROPOSAL is missing"):
        parse_request(JobKind.VERIFY, {}, spelling=shouted)


@pytest.mark.parametrize(
    "term", [{"strategy": "nas"}, {"seed": 1}, {"proposer": "llm"}, {"gate": True}, {"llm_users": 5}]
)
def test_a_resumed_run_cannot_become_another(term):
    assert set(term) <= set(TERMS)
    with pytest.raises(RequestError, match="cannot be given here: a resumed run goes on on its own terms"):
        parse_request(JobKind.EVOLVE, {"resume": NEWEST, **term})
    resumed = parse_request(JobKind.EVOLVE, {"resume": NEWEST, "trials": 8})
    assert isinstance(resumed, EvolveRequest) and resumed.limits.trials == 8


@pytest.mark.parametrize(
    "option", [{"strategy": "nas"}, {"trials": 8}, {"budget_usd": 1.0}, {"resume": "ab"}]
)
def test_a_replay_is_not_told_what_to_do(option):
    with pytest.raises(RequestError, match="cannot be given here: a replay does what the stored run did"):
        parse_request(JobKind.EVOLVE, {"replay": "abcd", **option})


def test_a_comparison_hands_every_shared_option_to_each_of_its_runs():
    shared = {
        "trials": 5, "budget_usd": 0.5, "budget_tokens": 7, "budget_gpu_s": 60.0, "gate": True, "llm_users": 7,
        "proposer": "recipes", "python": "/usr/bin/python3", "device": "cpu", "no_sandbox": True,
    }  # fmt: skip
    assert set(shared) == {field.name for field in fields(RunRequest)}
    compared = parse_request(JobKind.COMPARE, shared)
    assert isinstance(compared, CompareRequest)
    assert compared.run_of(StrategyName.NAS, 2) == parse_request(
        JobKind.EVOLVE, {**shared, "strategy": "nas", "seed": 2}
    )


def test_limits_are_options_of_a_run():
    assert set(LIMITS) <= set(options_of(RunRequest))


def job(kind: JobKind, **params: object) -> JobRecord:
    values = {"state": JobState.RUNNING, "pid": 1, "pid_started": 1.0, "created_at": 1.0}
    return JobRecord(id="j", kind=kind, params=params, **values)


def test_a_job_was_asked_for_the_same_only_if_every_option_is_the_same():
    assert asks_for(job(JobKind.TRAIN), TrainRequest())
    assert asks_for(job(JobKind.TRAIN, seed=None, python=""), TrainRequest())
    assert not asks_for(job(JobKind.TRAIN, seed=7), TrainRequest())
    assert not asks_for(job(JobKind.TRAIN, python="/usr/bin/python3"), TrainRequest())
    assert not asks_for(job(JobKind.DIAGNOSE), TrainRequest())
    assert not asks_for(job(JobKind.EVOLVE, replay="abcd"), EvolveRequest())
    assert not asks_for(job(JobKind.SIMULATE, users=20), SimulateRequest(users=20, llm_users=0))
    assert asks_for(job(JobKind.VERIFY, proposal="abcd"), VerifyRequest(proposal="abcd"))


def test_a_job_of_another_version_was_asked_for_something_else():
    assert not asks_for(job(JobKind.TRAIN, colour="blue"), TrainRequest())


def test_no_request_of_the_module_is_left_out():
    made = {value for value in vars(requests).values() if isinstance(value, type) and "kind" in vars(value)}
    assert made == set(REQUESTS.values())
