"""The command line: one function per command. `lsp` is not among them: `main.py` starts it without this module."""

import sqlite3
from functools import partial
from pathlib import Path
from typing import Annotated, Protocol, runtime_checkable

import typer

from evolution.base.disks import disk_error, store_error
from evolution.base.errors import Cancelled, EvolverecError, RequestError, UsageError
from evolution.base.given_paths import real_path
from evolution.domain.request import (
    AdaptRequest,
    CheckRequest,
    DiagnoseRequest,
    ProposeRequest,
    Request,
    SessionsRequest,
    SimulateRequest,
    TestRequest,
    TrainRequest,
)
from seeds.loading import DEMO, built_in, described_sources
from seeds.new import FIRST, all_seeds, seed_names
from server.cli import evolving_commands, handing_out, improving, looking_up, output, team, tuning
from server.cli.options import (
    Against,
    BudgetTokens,
    BudgetUsd,
    Checkpoint,
    Device,
    FailOn,
    Json,
    LlmUsers,
    NoSandbox,
    Python,
    Repo,
    Sarif,
    Session,
    SessionUser,
    TrialSeed,
    Trust,
    TrustPython,
    Users,
    Verbose,
    given_options,
)
from server.cli.output import say
from server.cli.running import exit_code_of, flags_given, next_steps, repo_at, run_on

app = typer.Typer(
    name="evolverec",
    epilog="Editors start the language server: evolverec lsp [--stdio | --tcp HOST:PORT]",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@runtime_checkable
class SaysItsMessage(Protocol):
    """typer's errors of wrong use, whose classes are private to it."""

    def format_message(self) -> str: ...


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        say(f"evolverec {version('evolverec')}")
        raise typer.Exit


@app.callback()
def evolverec(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Train a recommender, see why it fails on the lines that cause it, apply patches that were measured."""


def run_app(argv: list[str]) -> int:
    """The exit code. Errors are said on stderr, and on stdout as a document where `--json` was given."""
    as_json = "--json" in argv
    try:
        code = app(args=argv, standalone_mode=False, prog_name="evolverec")
        return code if isinstance(code, int) else 0
    except RequestError as error:
        flag = "--" + error.option.replace("_", "-")
        return output.report_error(UsageError(f"{flag} {error.problem}"), as_json=as_json)
    except EvolverecError as error:
        return output.report_error(error, as_json=as_json)
    except BrokenPipeError:  # no fault of the disk's
        raise
    except OSError as error:
        known = disk_error(error)
        if known is None:
            raise
        return output.report_error(known, as_json=as_json)
    except sqlite3.DatabaseError as error:
        return output.report_error(store_error(error), as_json=as_json)
    except (KeyboardInterrupt, typer.Abort):
        return output.report_error(Cancelled("cancelled"), as_json=as_json)
    except typer.Exit as done:
        return done.exit_code
    except typer.TyperException as error:
        if not argv:  # the help was shown
            return UsageError.exit_code
        said = error.format_message() if isinstance(error, SaysItsMessage) else str(error)
        return output.report_error(UsageError(said), as_json=as_json)


@app.command(epilog="\n\n".join(f"{seed.name}: {seed.sentence}" for seed in all_seeds()))
def new(
    seed: Annotated[str, typer.Argument(help=f"Which seed recommender: {', '.join(seed_names())}.")],
    folder: Annotated[Path, typer.Argument(help="Where to make the repo; absent or empty.")],
    data: Annotated[str, typer.Option("--data", help=f"What it learns from: {described_sources()}.")] = DEMO,
    as_json: Json = False,
) -> None:
    """Make a fresh git repo with a complete, working recommender."""
    from evolution.repo.new_repo import make_repo
    from server.cli.new_data import about_new_data

    document = make_repo(seed, folder, data)
    said = about_new_data(Path(document["repo"]), document["data"])
    output.deliver(
        {**document, "data_report": said},
        as_json=as_json,
        show=lambda _: say("\n".join([*said, next_steps(folder)])),
    )


def _refuse_without_llm(context: typer.Context, llm: bool) -> None:
    """Raises RequestError: an option of asking an LLM was given, and none is to be asked."""
    for name in ("rounds", "budget_usd", "budget_tokens"):
        if not llm and name in given_options(context):
            raise RequestError(name, "cannot be given here: no LLM is asked without --llm")


@app.command()
def init(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="The folder of your repo.", show_default=False)],
    data: Annotated[
        str, typer.Option("--data", help=f"Your log: {described_sources()}.", show_default=False)
    ] = "",
    model: Annotated[
        str,
        typer.Option("--model", help="FILE:CLASS of the model, where another was found.", show_default=False),
    ] = "",
    train: Annotated[
        str,
        typer.Option(
            "--train", help="FILE or FILE:FUNCTION that trains, where another was found.", show_default=False
        ),
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing: take the likeliest.")] = False,
    llm: Annotated[
        bool,
        typer.Option(
            "--llm",
            help="Have your LLM fill in what the draft lacks, corrected by the checks until they pass.",
        ),
    ] = False,
    rounds: Annotated[
        int, typer.Option("--rounds", help="How many answers of the LLM to try at most.")
    ] = AdaptRequest.rounds,
    budget_usd: BudgetUsd = AdaptRequest.budget_usd,
    budget_tokens: BudgetTokens = AdaptRequest.budget_tokens,
    trust: Trust = False,
    trust_python: TrustPython = False,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    as_json: Json = False,
) -> int:
    """Read your own repo without running it, draft evolverec.toml and an adapter, and check them."""
    from server.cli.adopting import adopt, show_init

    request = CheckRequest(python=python, no_sandbox=no_sandbox)
    agreed = flags_given(trust=trust, trust_python=trust_python)
    asked = AdaptRequest(
        python=python, no_sandbox=no_sandbox, train=train, model=model, rounds=rounds,
        budget_usd=budget_usd, budget_tokens=budget_tokens,
    )  # fmt: skip
    _refuse_without_llm(context, llm)
    document = adopt(
        repo_at(folder),
        request,
        data=data,
        model=model,
        train=train,
        llm=asked if llm else None,
        quiet=yes or as_json,
        agreed=agreed,
    )
    output.deliver(document, as_json=as_json, show=partial(show_init, folder))
    return 0 if document["check"]["ok"] and not document["missing"] else 1


@app.command()
def check(
    repo: Repo,
    against: Against = None,
    trust: Trust = False,
    trust_python: TrustPython = False,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    as_json: Json = False,
) -> int:
    """Check evolverec.toml, the data and the code; with consent also import, build and one batch."""
    from server.cli.checking import check_repo
    from server.cli.render import show_check

    request = CheckRequest(python=python, no_sandbox=no_sandbox)
    agreed = flags_given(trust=trust, trust_python=trust_python)
    document = check_repo(repo_at(repo), request, agreed=agreed, against=against)
    output.deliver(document, as_json=as_json, show=show_check)
    return 0 if document["ok"] else 1


@app.command()
def train(
    repo: Repo,
    seed: TrialSeed = TrainRequest.seed,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> int:
    """Train the repo as it is on disk and measure it on validation events."""
    from server.cli.render import show_train

    request = TrainRequest(seed=seed, device=device, python=python, no_sandbox=no_sandbox)
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=show_train)
    return exit_code_of(document)


@app.command()
def diagnose(
    repo: Repo,
    checkpoint: Checkpoint = DiagnoseRequest.checkpoint,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    fail_on: FailOn = "",
    sarif: Sarif = None,
    verbose: Verbose = False,
    as_json: Json = False,
) -> int:
    """Say why the model fails, on the lines that cause it. Trains first where needed, unless a checkpoint is given."""
    from server.cli.sarif import write_sarif
    from server.cli.show_diagnosis import show_diagnosis

    if fail_on and fail_on not in output.SEVERITIES:
        raise UsageError(f"--fail-on is {fail_on!r}; expected error, warning or information")
    request = DiagnoseRequest(checkpoint=checkpoint, device=device, python=python, no_sandbox=no_sandbox)
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    if sarif is not None:
        write_sarif(sarif, document)
    shown = partial(show_diagnosis, repo_at(repo), verbose=verbose)
    output.deliver(document, as_json=as_json, show=shown)
    return 1 if fail_on and output.reaches(document, fail_on) else 0


@app.command()
def simulate(
    context: typer.Context,
    repo: Repo,
    users: Users = SimulateRequest.users,
    session: Session = False,
    user: SessionUser = SessionsRequest.user,
    llm_users: LlmUsers = SimulateRequest.llm_users,
    budget_usd: BudgetUsd = SimulateRequest.budget_usd,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Ask simulated users, made from real histories, what is wrong with their pages."""
    from server.cli.render import show_simulation
    from server.cli.show_sessions import show_sessions

    if session:
        for name in {"llm_users", "budget_usd"} & {*given_options(context)}:
            raise RequestError(name, "cannot be given with --session: no LLM is asked there")
        walked = SessionsRequest(users=users, user=user, device=device, python=python, no_sandbox=no_sandbox)
        document = run_on(repo, walked, trust=trust, trust_python=trust_python, as_json=as_json)
        output.deliver(document, as_json=as_json, show=show_sessions)
        return
    if user:
        raise UsageError("--user tells one user's session; give --session with it")
    request = SimulateRequest(
        users=users,
        llm_users=llm_users,
        budget_usd=budget_usd,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=lambda said: show_simulation(repo_at(repo), said))


@app.command()
def propose(
    repo: Repo,
    trials: Annotated[
        int, typer.Option("--trials", help="How many candidates to train at most.")
    ] = ProposeRequest.trials,
    allow_cost: Annotated[
        bool, typer.Option("--allow-cost", help="Take patches however much slower they make the training.")
    ] = ProposeRequest.allow_cost,
    tuned: Annotated[
        bool,
        typer.Option(
            "--tuned",
            help="Tune your version and each patched one before they are compared: several times the trials.",
        ),
    ] = ProposeRequest.tuned,
    accepted: Annotated[
        bool,
        typer.Option(
            "--accepted", help="Also make patches for findings that evolverec.baseline.toml accepts."
        ),
    ] = ProposeRequest.accepted,
    device: Device = Request.device,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> None:
    """Make patches for what is wrong, train each, and keep those whose gain is verified."""
    from server.cli.render import show_proposals

    request = ProposeRequest(
        trials=trials,
        allow_cost=allow_cost,
        tuned=tuned,
        accepted=accepted,
        device=device,
        python=python,
        no_sandbox=no_sandbox,
    )
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=show_proposals)


for command in (*improving.COMMANDS, *team.COMMANDS, *tuning.COMMANDS, *evolving_commands.COMMANDS):
    app.command()(command)


@app.command("test")
def test_command(
    repo: Repo,
    trial: Annotated[
        str,
        typer.Argument(help="The trial to read; default: the newest of these files and the configured seed."),
    ] = "",
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
    trust: Trust = False,
    trust_python: TrustPython = False,
    as_json: Json = False,
) -> int:
    """Measure a trial on the test events, once, in a fresh process. Each reading is logged."""
    from server.cli.render import show_train

    request = TestRequest(trial=trial, python=python, no_sandbox=no_sandbox)
    document = run_on(repo, request, trust=trust, trust_python=trust_python, as_json=as_json)
    output.deliver(document, as_json=as_json, show=show_train)
    return exit_code_of(document)


@app.command()
def apply(
    repo: Repo,
    proposal: Annotated[str, typer.Argument(help="The proposal's id, or its unique beginning.")],
    branch: Annotated[
        str, typer.Option("--branch", help="Commit to a new branch instead of writing the files.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Apply a proposal's patch to the files, or as a commit on a new branch."""
    from server.cli.patches import apply_proposal

    document = apply_proposal(repo_at(repo), proposal, branch=branch)
    where = f"branch {branch}" if branch else ", ".join(document["files"])
    output.deliver(
        document, as_json=as_json, show=lambda d: say(f"applied {d['proposal']} ({d['title']}) to {where}")
    )


@app.command()
def diff(
    repo: Repo,
    proposal: Annotated[str, typer.Argument(help="The proposal's id, or its unique beginning.")],
    as_json: Json = False,
) -> None:
    """Print a proposal's patch as a unified diff."""
    from server.cli.patches import find_proposal
    from server.cli.render import print_diff

    found = find_proposal(repo_at(repo), proposal)
    text = str(found.details.get("diff", ""))
    output.deliver({"proposal": found.id, "diff": text}, as_json=as_json, show=lambda _: print_diff(text))


@app.command()
def runs(repo: Repo, as_json: Json = False) -> None:
    """List what was measured here: trials, proposals and jobs, newest first."""
    from server.cli.history import runs_document
    from server.cli.render import show_runs

    output.deliver(runs_document(repo_at(repo)), as_json=as_json, show=show_runs)


@app.command()
def show(
    repo: Repo,
    item: Annotated[
        str, typer.Argument(help="The id of a trial, a proposal or a job, or its unique beginning.")
    ],
    as_json: Json = False,
) -> None:
    """Show one trial, proposal or job whole."""
    from server.cli.history import item_document
    from server.cli.render import show_item

    output.deliver(item_document(repo_at(repo), item), as_json=as_json, show=show_item)


@app.command()
def stop(
    repo: Repo,
    job: Annotated[str, typer.Argument(help="The job's id; default: every job that runs on this repo.")] = "",
    as_json: Json = False,
) -> int:
    """Stop running jobs and wait for their end. What they have measured is kept."""
    from server.cli.history import stop_jobs

    document = stop_jobs(repo_at(repo), job)
    said = [f"{name} {words}" for name, words in document["endings"].items()] or ["nothing runs here"]
    output.deliver(document, as_json=as_json, show=lambda _: say("\n".join(said)))
    return 1 if document["running"] else 0


app.command("new-probe")(looking_up.new_probe)
for command in (
    looking_up.probes,
    looking_up.explain,
    looking_up.library,
    *handing_out.COMMANDS,
):
    app.command()(command)


@app.command()
def doctor(
    repo: Annotated[Path, typer.Argument(help="The repo's folder.")] = Path(),
    python: Python = Request.python,
    as_json: Json = False,
) -> int:
    """Say what is missing on this machine, what works without it, and the command that helps."""
    from server.cli.doctor import examine
    from server.cli.render import show_doctor

    document = examine(real_path(repo), python=python)
    output.deliver(document, as_json=as_json, show=show_doctor)
    return 0 if document["ok"] else 1


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="Where to make the demo's repo.")] = Path("demo-repo"),
    data: Annotated[str, typer.Option("--data", help=f"One of {', '.join(built_in())}.")] = DEMO,
    seed: Annotated[
        str, typer.Option("--seed", help=f"Which seed recommender: {', '.join(seed_names())}.")
    ] = FIRST,
    python: Python = Request.python,
    no_sandbox: NoSandbox = Request.no_sandbox,
) -> int:
    """Show the whole job on the built-in shop: train, diagnose, simulate, propose, apply, test."""
    from server.cli.demo import run_demo

    document = run_demo(folder, seed=seed, data=data, python=python, no_sandbox=no_sandbox)
    promised = seed == FIRST  # of the others no recipe is known to help on every data set
    return 0 if document["test"] or not promised else 1
