"""The store of one repo: trials, feedback, proposals, runs, jobs and LLM exchanges, in one SQLite file (WAL mode).

A row holds a record as JSON and the few columns that queries need. In WAL mode readers (editors, terminals) never wait
for writers. `evolution/repo/ownership.py` decides whether a store was made on this machine or came with the repo.
"""

import hashlib
import sqlite3
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cattrs.errors import BaseValidationError

from evolution.base import serial
from evolution.base.places import store_folder
from evolution.base.processes import ProcessId
from evolution.domain.feedback import Feedback
from evolution.domain.job import JobRecord, JobState
from evolution.domain.probe import ProbeRecord
from evolution.domain.proposal import Proposal, ProposalState, Verified
from evolution.domain.run import Run
from evolution.domain.trial import Trial, TrialKey, TrialStatus
from evolution.literature.passage import Passage
from evolution.llm.exchanges import Exchange
from evolution.repo.ownership import ensure_store_folder, is_ours
from evolution.store.database import named_in_errors, open_database
from simulator.shown import Shown

BRIEF_JOB = """
case json_type(record, '$.result') when 'object' then
    json_set(record, '$.result', json_object('trial', json_extract(record, '$.result.trial')))
else record end
"""
REMEMBERED = 64  # most parsed records per table that a connection caches; more if one query returned more
EXCHANGES_SPENT = """
select count(*), sum(
        json_extract(record, '$.usage.input') + json_extract(record, '$.usage.output')
        + json_extract(record, '$.lost.input') + json_extract(record, '$.lost.output')),
    sum(cast(json_extract(record, '$.usd') as real)),
    sum(json_extract(record, '$.usage.estimated') or json_extract(record, '$.lost.estimated')),
    sum(json_extract(record, '$.usd') = '')
from exchanges
"""


def trial_id(key: TrialKey) -> str:
    """12 hex digits of the key's SHA-256. Equal code, data, training settings, seed, device and harness give the same id."""
    return hashlib.sha256(serial.dumps(key).encode()).hexdigest()[:12]


class Store:
    """A connection to the store of a repo. Threads that share it must hold a lock; a context manager closes it.

    A record that does not fit the classes of this version is treated as not stored.
    """

    def __init__(self, connection: sqlite3.Connection, repo: Path) -> None:
        self._db = connection
        self.repo = repo
        self._known: dict[
            str, dict[str, tuple[int, float, Any]]
        ] = {}  # table -> id -> (rowid, created_at, record)

    @classmethod
    def open(cls, repo: Path) -> "Store":
        """Open the repo's store, which is made if it is missing. A damaged file is renamed and an empty store is made.

        Raises sqlite3.DatabaseError if the file is damaged but its schema can still be read, RepoError if `.evolverec`
        is a link or a file.
        """
        return cls(open_database(ensure_store_folder(repo) / "store.sqlite"), repo)

    @classmethod
    def open_existing(cls, repo: Path) -> "Store | None":
        """The store if this machine made one for the repo, else None; for readers that must not create one."""
        path = store_folder(repo) / "store.sqlite"
        return cls.open(repo) if path.exists() and is_ours(repo) else None

    def close(self) -> None:
        """Close the connection to SQLite; the store cannot be used afterwards."""
        self._db.close()

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def version(self) -> int:
        """A number that changes with every write to the store, by this connection or by another one."""
        return self._db.execute("pragma data_version").fetchone()[0] * 1_000_000 + self._db.total_changes

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with named_in_errors(store_folder(self.repo) / "store.sqlite"), self._db:
            self._db.execute("begin immediate")
            yield self._db

    def put_trial(self, trial: Trial) -> None:
        """Store a trial, replacing an earlier record with the same id."""
        with self._writing() as db:
            db.execute(
                "insert or replace into trials values (?, ?, ?, ?, ?)",
                (trial.id, trial.key.program, trial.status, trial.created_at, serial.dumps(trial)),
            )

    def trial(self, trial: str) -> Trial | None:
        """The trial with this id, or whose id is the only one to begin so (at least 4 characters)."""
        return self._one(Trial, "trials", trial)

    def trials(self, program: str | None = None) -> list[Trial]:
        """All trials, or the trainings of one program (a git tree hash), newest first."""
        if program is None:
            return self._remembered(Trial, "trials", " order by created_at desc", ())
        newest = "where program = ? order by created_at desc"
        found = self._remembered(Trial, "trials", newest, (program,))
        return [trial for trial in found if not trial.key.checkpoint]

    def latest_own_trial(self) -> Trial | None:
        """The newest complete training of a version of the user's own; programs made as candidates are skipped."""
        newest = (
            "where status = 'complete' and coalesce(json_extract(record, '$.key.checkpoint'), '') = '' and program not in (select program from candidates)"
            " order by created_at desc limit 1"
        )
        rows = self._remembered(Trial, "trials", newest, ())
        return rows[0] if rows else None

    def put_feedback(self, feedback: Feedback) -> None:
        """Store the feedback on a trial, replacing earlier feedback on the same trial."""
        with self._writing() as db:
            db.execute(
                "insert or replace into feedback values (?, ?, ?, ?)",
                (feedback.trial, feedback.program, feedback.created_at, serial.dumps(feedback)),
            )

    def feedback(self, trial: str) -> Feedback | None:
        """The feedback on the trial with exactly this id."""
        rows = self._remembered(Feedback, "feedback", "where trial = ?", (trial,), key="trial")
        return rows[0] if rows else None

    def put_candidate(self, program: str) -> None:
        """Note that a program is made by a patch, so that its trials do not count as trials of the user's own version."""
        with self._writing() as db:
            db.execute("insert or ignore into candidates values (?)", (program,))

    def latest_feedback(self) -> Feedback | None:
        """The newest feedback on a version of the user's own; candidates are skipped unless their patch was applied."""
        newest = (
            "where program not in (select child from proposals where state != 'applied')"
            " and program not in (select program from candidates where program not in (select child from proposals))"
            " order by created_at desc limit 1"
        )
        rows = self._remembered(Feedback, "feedback", newest, (), key="trial")
        return rows[0] if rows else None

    def put_personas(self, trial: str, kind: str, shown: Sequence[Shown]) -> None:
        """Store the simulated users of a trial, with the page each was shown and the answer; kind: "statistical" or "llm".

        They are compressed (reasons repeat) and not part of the feedback, because few readers need single users.
        """
        packed = zlib.compress(serial.dumps(list(shown)).encode())
        with self._writing() as db:
            db.execute(
                "insert or replace into personas values (?, ?, ?, ?)", (trial, kind, time.time(), packed)
            )

    def personas(self, trial: str, kind: str) -> list[Shown]:
        """The stored users of a trial; [] if no users were asked, or an older version asked them and did not store them."""
        row = self._db.execute(
            "select record from personas where trial = ? and kind = ?", (trial, kind)
        ).fetchone()
        try:
            text = zlib.decompress(row[0]).decode() if row else "[]"
        except (zlib.error, UnicodeDecodeError, TypeError):
            return []
        return _fitting(list[Shown], text) or []

    def put_proposal(self, proposal: Proposal) -> None:
        """Store a proposal. If one with the same id exists, its state (open, dismissed, applied) is kept."""
        with self._writing() as db:
            row = db.execute("select state from proposals where id = ?", (proposal.id,)).fetchone()
            state = row[0] if row else proposal.state.value
            db.execute(
                "insert or replace into proposals values (?, ?, ?, ?, ?, ?)",
                (
                    proposal.id,
                    proposal.parent,
                    proposal.child,
                    proposal.created_at,
                    serial.dumps(proposal),
                    state,
                ),
            )

    def proposals(self, parent: str | None = None) -> list[Proposal]:
        """All proposals, or those for one parent program, best first.

        Verified gains come first, then verified fixes, then the rest; each group is sorted by the effect's lower bound.
        """
        where = "where parent = ?" if parent else ""
        stored = self._remembered(Proposal, "proposals", where, (parent,) if parent else ())
        states = dict(self._db.execute("select id, state from proposals"))
        found = [_with_state(proposal, ProposalState(states[proposal.id])) for proposal in stored]
        rank = {Verified.GAIN: 0, Verified.FIX: 1, Verified.NO: 2}
        return sorted(
            found, key=lambda p: (rank[p.verified], -(p.effect.low if p.effect else float("-inf")), p.id)
        )

    def proposal(self, proposal: str) -> Proposal | None:
        """The proposal with this id, or whose id is the only one to begin so (at least 4 characters)."""
        matches = [
            p
            for p in self.proposals()
            if p.id == proposal or (len(proposal) >= 4 and p.id.startswith(proposal))
        ]
        return matches[0] if len(matches) == 1 else None

    def set_proposal_state(self, proposal: str, state: ProposalState) -> None:
        """Change the state of a proposal by its whole id; an unknown id is ignored."""
        with self._writing() as db:
            db.execute("update proposals set state = ? where id = ?", (state, proposal))

    def dismiss(self, item: str) -> None:
        """Hide a finding or a critique by its id.

        The id of a finding depends on the code at its anchor, so the finding returns when that code changes. The id of
        a critique depends on the complaint alone, so the critique stays hidden.
        """
        with self._writing() as db:
            db.execute("insert or replace into dismissed values (?, ?)", (item, time.time()))

    def dismissed(self) -> set[str]:
        """The ids of all hidden findings and critiques."""
        return {row[0] for row in self._db.execute("select id from dismissed")}

    def put_run(self, run: Run) -> None:
        """Store a run, replacing an earlier record with the same id."""
        with self._writing() as db:
            values = (run.id, run.terms.root, run.created_at, serial.dumps(run))
            db.execute("insert or replace into runs values (?, ?, ?, ?)", values)

    def run(self, run: str) -> Run | None:
        """The run with this id, or whose id is the only one to begin so (at least 4 characters)."""
        return self._one(Run, "runs", run)

    def runs(self) -> list[Run]:
        """All runs, newest first."""
        return self._remembered(Run, "runs", "order by created_at desc", ())

    def put_smoke(self, trial: Trial) -> None:
        """Store the result of the quick checks of a program, so that a replayed run gets the same result."""
        with self._writing() as db:
            db.execute("insert or replace into smokes values (?, ?)", (trial.id, serial.dumps(trial)))

    def smoke(self, trial: str) -> Trial | None:
        """The stored result of the quick checks under exactly this trial id."""
        rows = self._many(Trial, "select record from smokes where id = ?", (trial,))
        return rows[0] if rows else None

    def put_exchange(self, exchange: Exchange) -> None:
        """Store an exchange with the LLM, replacing any record with the same key."""
        with self._writing() as db:
            values = (exchange.key, exchange.created_at, serial.dumps(exchange))
            db.execute("insert or replace into exchanges values (?, ?, ?)", values)

    def exchange(self, key: str) -> Exchange | None:
        """The recorded exchange with this key."""
        rows = self._many(Exchange, "select record from exchanges where key = ?", (key,))
        return rows[0] if rows else None

    def exchanges(self) -> list[Exchange]:
        """All recorded exchanges with the LLM, oldest first."""
        return self._many(Exchange, "select record from exchanges order by created_at, key", ())

    def spent(self) -> Mapping[str, float]:
        """Totals over the whole store: trials, trials_s (seconds), exchanges, tokens, usd, estimated, unpriced.

        `estimated` counts the exchanges whose tokens were estimated, `unpriced` those without a price.
        """
        trials = self._db.execute(
            "select count(*), total(json_extract(record, '$.wall_s')) from trials where status != 'running'"
        ).fetchone()
        exchanges = self._db.execute(EXCHANGES_SPENT).fetchone()
        names = ("trials", "trials_s", "exchanges", "tokens", "usd", "estimated", "unpriced")
        return dict(zip(names, (*trials, *(value or 0 for value in exchanges)), strict=True))

    def put_literature(self, source: str, query: str, limit: int, passages: Sequence[Passage]) -> None:
        """Store the passages that a source returned for a query with at most `limit` passages."""
        with self._writing() as db:
            values = (source, query, limit, time.time(), serial.dumps(list(passages)))
            db.execute("insert or replace into literature values (?, ?, ?, ?, ?)", values)

    def literature(self, source: str, query: str, limit: int) -> list[Passage] | None:
        """The stored passages for exactly this query and limit; None if it was never answered ([] is an answer)."""
        row = self._db.execute(
            "select record from literature where source = ? and query = ? and most = ?",
            (source, query, limit),
        ).fetchone()
        return _fitting(list[Passage], row[0]) if row else None

    def put_probe(self, probe: ProbeRecord) -> None:
        """Store one decision about an evolved probe (admitted, rejected and so on), replacing the one with the same id."""
        with self._writing() as db:
            values = (probe.id, probe.spec.id, probe.state, probe.created_at, serial.dumps(probe))
            db.execute("insert or replace into probes values (?, ?, ?, ?, ?)", values)

    def probe(self, occasion: str) -> ProbeRecord | None:
        """The decision about a probe with exactly this record id; `probes` searches by the id of the probe."""
        rows = self._many(ProbeRecord, "select record from probes where id = ?", (occasion,))
        return rows[0] if rows else None

    def probes(self, spec: str | None = None) -> list[ProbeRecord]:
        """The decisions about one probe, by the probe's id, or about all probes; newest first."""
        where, values = ("where spec = ?", (spec,)) if spec else ("", ())
        return self._many(ProbeRecord, f"select record from probes {where} order by created_at desc", values)

    def put_job(self, job: JobRecord) -> None:
        """Store a job's record, replacing an earlier record with the same id."""
        with self._writing() as db:
            _put_job(db, job)

    def note_process(self, job: str, process: ProcessId) -> None:
        """Store the process of a job, unless the process has already replaced the record by its own (state not STARTING)."""
        with self._writing() as db:
            row = db.execute(
                "select record from jobs where id = ? and state = ?", (job, JobState.STARTING)
            ).fetchone()
            known = _fitting(JobRecord, row[0]) if row else None
            if known is not None:
                _put_job(db, replace(known, pid=process.pid, process=process))

    def note_program(self, job: str, program: str) -> None:
        """Store on which program (a git tree hash) a job works; the first one that is noted stays."""
        with self._writing() as db:
            row = db.execute("select record from jobs where id = ?", (job,)).fetchone()
            known = _fitting(JobRecord, row[0]) if row is not None else None
            if known is not None and not known.program:
                _put_job(db, replace(known, program=program))

    def job(self, job: str) -> JobRecord | None:
        """The job with this id, or whose id is the only one to begin so (at least 4 characters)."""
        return self._one(JobRecord, "jobs", job)

    def jobs(self) -> list[JobRecord]:
        """All jobs with their whole results, newest first."""
        return self._many(JobRecord, "select record from jobs order by created_at desc", ())

    def jobs_in_brief(self) -> list[JobRecord]:
        """All jobs, newest first, with only the trial's id of each result; cached, for callers that poll."""
        return self._remembered(
            JobRecord, "jobs", "order by created_at desc", (), record=BRIEF_JOB, name="jobs in brief"
        )

    def unfinished_jobs(self) -> list[JobRecord]:
        """Jobs whose record says starting or running, oldest first; their processes may be dead."""
        states = (JobState.STARTING, JobState.RUNNING)
        return self._many(
            JobRecord, "select record from jobs where state in (?, ?) order by created_at", states
        )

    def log_test_read(self, trial: str, record: dict[str, Any]) -> None:
        """Log that a trial was evaluated on the test events, with the time and the result."""
        with self._writing() as db:
            db.execute("insert into test_reads values (?, ?, ?)", (trial, time.time(), serial.dumps(record)))

    def test_reads(self, trial: str) -> list[tuple[float, dict[str, Any]]]:
        """(unix seconds, result) of every evaluation of this trial on the test events, oldest first."""
        rows = self._db.execute(
            "select at, record from test_reads where trial = ? order by at", (trial,)
        ).fetchall()
        known = ((at, _fitting(dict, record)) for at, record in rows)
        return [(at, record) for at, record in known if record is not None]

    def mark_interrupted(self, trials: list[str]) -> None:
        """Delete the records of these trials if they still say running, because the job that ran them was killed."""
        with self._writing() as db:
            for trial in trials:
                db.execute("delete from trials where id = ? and status = ?", (trial, TrialStatus.RUNNING))

    def _many(self, kind: type, query: str, values: tuple[Any, ...]) -> list[Any]:
        found = (_fitting(kind, row[0]) for row in self._db.execute(query, values))
        return [record for record in found if record is not None]

    def _remembered(
        self,
        kind: type,
        table: str,
        tail: str,
        values: tuple[Any, ...],
        *,
        key: str = "id",
        record: str = "record",
        name: str = "",
    ) -> list[Any]:
        """Records of the rows that `tail` selects. Rows that are unchanged since the last call come from a cache.

        Every write replaces the row, which gives it a new rowid. SQLite may reuse the rowid of a deleted row, so a
        cached record is identified by (rowid, created_at).
        """
        known = self._known.setdefault(name or table, {})
        marks = self._db.execute(f"select {key}, rowid, created_at from {table} {tail}", values).fetchall()
        for item, row, at in marks:
            if known.get(item, (0, 0.0))[:2] == (row, at):
                continue
            fresh = self._db.execute(
                f"select rowid, created_at, {record} from {table} where {key} = ?", (item,)
            ).fetchone()
            if fresh is not None:  # else it was deleted just now
                known[item] = (fresh[0], fresh[1], _fitting(kind, fresh[2]))
        found = [known[item][2] for item, _, _ in marks if item in known]
        found = [record for record in found if record is not None]
        while len(known) > max(REMEMBERED, len(marks)):
            del known[next(iter(known))]
        return found

    def _one(self, kind: type, table: str, wanted: str) -> Any | None:
        tail = "where id = ? or (length(?) >= 4 and id like ? || '%')"
        rows = self._remembered(kind, table, tail, (wanted, wanted, wanted))
        exact = [row for row in rows if row.id == wanted]
        if exact:
            return exact[0]
        return rows[0] if len(rows) == 1 else None


def _put_job(db: sqlite3.Connection, job: JobRecord) -> None:
    values = (job.id, job.state, job.created_at, serial.dumps(job))
    db.execute("insert or replace into jobs values (?, ?, ?, ?)", values)


def _fitting(kind: type, text: str) -> Any | None:
    """The parsed record; None if another version of evolverec wrote it in a shape that does not fit `kind`."""
    try:
        return serial.loads(kind, text)
    except (BaseValidationError, ValueError, TypeError, KeyError, RecursionError):
        return None


def _with_state(proposal: Proposal, state: ProposalState) -> Proposal:
    return proposal if proposal.state is state else replace(proposal, state=state)
