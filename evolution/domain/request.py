"""Requests to jobs: one frozen value per kind of job. The defaults of all options stand here and nowhere else.

A request is checked when it is made, so one that exists is valid. The command line makes requests directly; those of
editors and of stored jobs come as JSON, which `parse_request` reads. An option of a job needs a field here, a flag in
`server/cli/app.py`, and the code that uses it. An editor may give every option but `python` and `no_sandbox`, in camel case.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import MISSING, dataclass, fields
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, get_type_hints

from evolution.base.errors import RequestError
from evolution.base.strict import NotEmpty, Range, WrongValue, expected, fitted
from evolution.domain.feedback import USERS_ASKED
from evolution.domain.job import JobKind, JobRecord
from evolution.domain.limits import LLM_USERS, Limits

NEWEST = "newest"  # stands for the id of the newest run
USUAL_TRIALS = 24  # limit of a run for which no limit was set

Count = Annotated[int, Range(least=1)]
Seed = Annotated[int, Range(least=0, below=2**31)]
Seconds = Annotated[float, Range(least=1)]
Dollars = Annotated[float, Range(least=0)]


class DeviceChoice(StrEnum):
    """Where trials run."""

    AUTO = "auto"  # a GPU where there is one
    CPU = "cpu"
    CUDA = "cuda"
    MPS = "mps"


class StrategyName(StrEnum):
    """The rows of `evolution/proposers/strategies.py`."""

    DIRECTIONAL = "directional"
    RESEARCH = "research"
    SCALAR = "scalar"
    NAS = "nas"
    SAMPLE = "sample"
    GREEDY = "greedy"
    TUNE = "tune"


class ProposerChoice(StrEnum):
    """Who proposes in a run."""

    AUTO = "auto"  # an LLM where the user has set one, else recipes
    RECIPES = "recipes"
    LLM = "llm"
    BOTH = "both"


@dataclass(frozen=True, kw_only=True)
class Request:
    """Options of every job. Raises RequestError if a value does not fit its annotation.

    python: the interpreter that runs the repo's code; "" for the one of the user's settings.
    no_sandbox: the user wants trials without a sandbox.
    device: where trials run; None for the choice in evolverec.toml.
    runs_code: whether the job runs the repo's code, to which the user must agree.
    """

    kind: ClassVar[JobKind]
    runs_code: ClassVar[bool] = True

    python: str = ""
    no_sandbox: bool = False
    device: DeviceChoice | None = None

    def __post_init__(self) -> None:
        for name, annotation in options_of(type(self)).items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, fitted(value, annotation))
            except WrongValue:
                raise RequestError(name, f"is {value!r}; expected {expected(annotation)}") from None


@dataclass(frozen=True, kw_only=True)
class TrainRequest(Request):
    """Train the program on disk.

    seed: of the trial; None for the one in evolverec.toml.
    """

    kind = JobKind.TRAIN

    seed: Seed | None = None


@dataclass(frozen=True, kw_only=True)
class CheckRequest(Request):
    """Import and build the program on disk, and check one batch."""

    kind = JobKind.CHECK


@dataclass(frozen=True, kw_only=True)
class AdaptRequest(Request):
    """Have an LLM complete the adapter that `init` has drafted.

    train, model: the training program and the model's class, where the user named them; as `init` takes them.
    rounds: how many answers are tried at most. budget_usd, budget_tokens: what they may cost at most, None without limit.
    """

    kind = JobKind.ADAPT

    train: str = ""
    model: str = ""
    rounds: Count = 6
    budget_usd: Dollars | None = None
    budget_tokens: Count | None = 300_000


@dataclass(frozen=True, kw_only=True)
class DiagnoseRequest(Request):
    """Diagnose the program on disk.

    checkpoint: a file of weights that are measured in place of a training, absolute or relative to the repo; "" to train.
    """

    kind = JobKind.DIAGNOSE

    checkpoint: str = ""


@dataclass(frozen=True, kw_only=True)
class SimulateRequest(Request):
    """Ask simulated users about the program on disk.

    users: how many statistical personas are asked.
    llm_users: how many more users an LLM plays, if one is set.
    budget_usd: the most that the LLM may cost, in dollars; None without limit.
    """

    kind = JobKind.SIMULATE

    users: Count = USERS_ASKED
    llm_users: Annotated[int, Range(least=0)] = LLM_USERS
    budget_usd: Dollars | None = None


@dataclass(frozen=True, kw_only=True)
class SessionsRequest(Request):
    """Let simulated users go through pages of the program on disk, and of baselines, until they leave.

    users: how many statistical personas. user: the log's own id of one whose session is told; "" for nobody.
    """

    kind = JobKind.SESSIONS

    users: Count = USERS_ASKED
    user: str = ""


@dataclass(frozen=True, kw_only=True)
class ProposeRequest(Request):
    """Find verified patches for the program on disk.

    trials: how many candidates are trained at most. allow_cost: a guardrail on cost bars no patch.
    tuned: whether the version and each candidate are tuned with the same budget before they are compared.
    accepted: whether findings that the repo's baseline accepts call for patches too.
    """

    kind = JobKind.PROPOSE

    trials: Count = 12
    allow_cost: bool = False
    tuned: bool = False
    accepted: bool = False


@dataclass(frozen=True, kw_only=True)
class ImproveRequest(Request):
    """Train and diagnose the program on disk, ask simulated users about it, and find verified patches for it. No LLM is asked.

    trials: how many candidates are trained at most. allow_cost: a guardrail on cost bars no patch. accepted: as of `ProposeRequest`.
    """

    kind = JobKind.IMPROVE

    trials: Count = 12
    allow_cost: bool = False
    accepted: bool = False


@dataclass(frozen=True, kw_only=True)
class TuneRequest(Request):
    """Tune the numbers in the configuration of the program on disk.

    trials: how many settings are trained at most. budget_gpu_s: seconds of training and ranking after which no further setting is
    drawn; None without limit. seed: of the search.
    """

    kind = JobKind.TUNE

    trials: Count = 12
    budget_gpu_s: Seconds | None = None
    seed: Seed = 0


@dataclass(frozen=True, kw_only=True)
class VerifyRequest(Request):
    """Measure a proposal once more, with a further seed.

    proposal: the id of a stored proposal, or its unique beginning. allow_cost: a guardrail on cost does not bar it.
    """

    kind = JobKind.VERIFY

    proposal: Annotated[str, NotEmpty]
    allow_cost: bool = False


@dataclass(frozen=True, kw_only=True)
class ExplainRequest(Request):
    """Ask an LLM about a finding of the program on disk.

    code: of the finding. budget_usd: the most that the answer may cost, in dollars; None without limit.
    """

    kind = JobKind.EXPLAIN
    runs_code = False
    role: ClassVar[str] = "analyst"  # of the model that is asked

    code: Annotated[str, NotEmpty]
    budget_usd: Dollars | None = None


@dataclass(frozen=True, kw_only=True)
class TestRequest(Request):
    """Read the test metrics of a trial.

    trial: its id or a unique beginning of it; "" for the newest trial of the program on disk.
    """

    kind = JobKind.TEST

    trial: str = ""


@dataclass(frozen=True, kw_only=True)
class RecommendRequest(Request):
    """Write the lists that a trial's model has for users.

    users: a file that names them, absolute or relative to the repo; "" for all users of the log.
    out: the file to write; its suffix says the format.
    trial: its id or a unique beginning of it; "" for the newest trial of the program on disk.
    k: items per user. seen: whether items that a user has met may be listed. force: whether `out` may be replaced.
    """

    kind = JobKind.RECOMMEND

    out: Annotated[str, NotEmpty]
    users: str = ""
    trial: str = ""
    k: Annotated[int, Range(least=1, below=101)] = 10
    seen: bool = False
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class RunRequest(Request):
    """Options of requests that start runs of evolution.

    trials, budget_usd, budget_tokens, budget_gpu_s: limits of one run, None for unlimited; budget_gpu_s in seconds of
        training and ranking, on any device.
    gate: whether a program that users and measurements both call critical counts as 0, as in Self-EvolveRec.
    llm_users: how many users an LLM plays for each version that is built on or leads, if one proposes.
    """

    trials: Count | None = None
    budget_usd: Dollars | None = None
    budget_tokens: Count | None = None
    budget_gpu_s: Seconds | None = None
    proposer: ProposerChoice = ProposerChoice.AUTO
    gate: bool = False
    llm_users: Annotated[int, Range(least=0)] = LLM_USERS

    @property
    def limits(self) -> Limits:
        """The limits that were set; if none was, USUAL_TRIALS."""
        trials = self.trials if self.is_limited else USUAL_TRIALS
        return Limits(usd=self.budget_usd, tokens=self.budget_tokens, gpu_s=self.budget_gpu_s, trials=trials)

    @property
    def is_limited(self) -> bool:
        """Whether any limit was set."""
        return any(getattr(self, name) is not None for name in LIMITS)


LIMITS = ("trials", "budget_usd", "budget_tokens", "budget_gpu_s")
TERMS = (
    "strategy",
    "seed",
    "proposer",
    "gate",
    "llm_users",
)  # the fields of EvolveRequest that make a run another run


@dataclass(frozen=True, kw_only=True)
class EvolveRequest(RunRequest):
    """Start, resume or replay a run of evolution.

    seed: of the run's own random choices.
    resume: the id of a run to continue, or NEWEST; "" starts a run.
    replay: the id of a run to do again without network or training.
    """

    kind = JobKind.EVOLVE

    strategy: StrategyName = StrategyName.DIRECTIONAL
    seed: Seed = 0
    resume: str = ""
    replay: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        defaults = {name: getattr(EvolveRequest, name) for name in options_of(EvolveRequest)}
        self.check_given([name for name, value in defaults.items() if getattr(self, name) != value])

    def check_given(self, names: Collection[str]) -> None:
        """Raises RequestError if one of the options that the user gave, perhaps with its default, would change nothing."""
        if self.replay:
            self._refuse((*TERMS, *LIMITS, "resume"), names, "a replay does what the stored run did")
        if self.resume:
            self._refuse(TERMS, names, "a resumed run goes on on its own terms")

    def _refuse(self, useless: tuple[str, ...], names: Collection[str], why: str) -> None:
        for name in useless:
            if name in names:
                raise RequestError(name, f"cannot be given here: {why}")


@dataclass(frozen=True, kw_only=True)
class CompareRequest(RunRequest):
    """Compare strategies by runs on the seeds 0, 1, ... seeds - 1, all with the same limits."""

    kind = JobKind.COMPARE

    strategies: tuple[StrategyName, ...] = tuple(StrategyName)
    seeds: Count = 3

    def run_of(self, strategy: StrategyName, seed: int) -> EvolveRequest:
        """The request for one of the compared runs."""
        shared = {field.name: getattr(self, field.name) for field in fields(RunRequest)}
        return EvolveRequest(**shared, strategy=strategy, seed=seed)


REQUESTS: Mapping[JobKind, type[Request]] = {
    request.kind: request
    for request in (
        TrainRequest,
        AdaptRequest,
        CheckRequest,
        DiagnoseRequest,
        SimulateRequest,
        SessionsRequest,
        ProposeRequest,
        ImproveRequest,
        TuneRequest,
        VerifyRequest,
        ExplainRequest,
        TestRequest,
        RecommendRequest,
        EvolveRequest,
        CompareRequest,
    )
}


@cache
def options_of(request: type[Request]) -> Mapping[str, Any]:
    """name -> annotation of every option."""
    hints = get_type_hints(request, include_extras=True)
    return {field.name: hints[field.name] for field in fields(request)}


def parse_request(
    kind: JobKind, given: Mapping[str, Any], *, spelling: Callable[[str], str] = str
) -> Request:
    """The request in a JSON object.

    spelling: option's name here -> its name in the JSON.

    Raises RequestError, naming the option as the JSON spells it, if an option is unknown, missing, or has a value that
    does not fit.
    """
    request = REQUESTS[kind]
    names = {spelling(name): name for name in options_of(request)}
    for key in given:
        if key not in names:
            raise _unknown(key, kind, names)
    for field in fields(request):
        if field.default is MISSING and spelling(field.name) not in given:
            wanted = expected(options_of(request)[field.name])
            raise RequestError(spelling(field.name), f"is missing; expected {wanted}")
    try:
        return request(**{names[key]: value for key, value in given.items()})
    except RequestError as error:
        raise RequestError(spelling(error.option), error.problem) from None


def asks_for(job: JobRecord, request: Request) -> bool:
    """Whether a job was started by exactly this request. A job of another version, with options unknown here, was not."""
    try:
        return job.kind is request.kind and parse_request(job.kind, job.params) == request
    except RequestError:
        return False


def _unknown(key: str, kind: JobKind, known: Mapping[str, str]) -> RequestError:
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1)
    meant = f"did you mean {close[0]}? expected one of" if close else "expected one of"
    return RequestError(key, f"is no option of {kind}; {meant} {', '.join(sorted(known))}")
