/**
 * What the server tells the views, beyond LSP. Requests take `{ repo?: string }`, the root of a repo as the server
 * names it; without one, the repo last worked in. Where there is none, the reply is an error in words. Every shape
 * here is made in server/lsp/panels/.
 */

/** A figure with its 95 % interval. low, high: null where there is none, and then the reader is told so. */
export interface Figure {
  value: number;
  low: number | null;
  high: number | null;
  unit: string;
  /** As people read it, with its interval, or saying that it has none. */
  text: string;
  /** For a narrow row: ".184 [.150, .218]". An older server does not tell. */
  short?: string;
}

/** Lines of the user's files as they are now, from 0, both inclusive. */
export interface Place {
  uri: string;
  /** Relative to the repo. */
  path: string;
  line: number;
  endLine: number;
  /** "loss", "item table", ... */
  role: string;
}

export interface Job {
  job: string;
  /** "train", "diagnose", "simulate", "sessions", "propose", "tune", "evolve", "verify", "compare", "test", "check", "adapt". */
  kind: string;
  /** How far it is, in words. */
  label: string;
  /** 0..1, null where it is not known. */
  share: number | null;
}

/** `evolverec/overview`, which takes no repo and answers for all. */
export interface Overview {
  repos: RepoState[];
}

export interface RepoState {
  repo: string;
  name: string;
  /** One sentence: figures of the last trial, findings, or that nothing has run. */
  summary: string;
  trusted: boolean;
  jobs: Job[];
  /** The job that ended last. An older server does not tell. */
  ended?: { job: string; state: 'done' | 'failed' | 'cancelled' | 'lost' } | null;
  /** Findings and critiques of the code as it is now; faded ones are not counted. */
  errors: number;
  warnings: number;
  informations: number;
  /** Verified patches that are not applied. */
  proposals: number;
  /** Of the newest complete trial of the user's version. */
  objective: Figure | null;
  /** Whether files differ from what that trial measured. */
  edited: boolean;
  /** Why the store cannot be read, "" while it can. */
  trouble: string;
  standing: Standing;
  /** What was done here, whatever way: a version diagnosed, users asked, a patch or some of its changes taken. An older server does not tell. */
  steps?: { diagnosed: boolean; asked: boolean; taken: boolean };
}

/** How far a repo is, for a view of findings that has none. */
export interface Standing {
  stage: 'config' | 'failed' | 'untrained' | 'undiagnosed' | 'findings' | 'clean';
  /** One line, "" where the findings speak. */
  words: string;
  /** What is wrong: a file, "" for none, and its line from 0. */
  uri: string;
  line: number;
}

/** `evolverec/findings`. */
export interface Findings {
  repo: string;
  /** Of the newest diagnosed version; null before any diagnosis. */
  verdict: Verdict | null;
  causes: Cause[];
  /** What to know beside them: a split that rests on file order, no sandbox, a training step that was not traced. */
  remarks: string[];
}

/** At most five ranked lines, and the codes of the checks that were healthy, that were not, and that could not tell. */
export interface Verdict {
  status: 'broken' | 'needs improvement' | 'not converged' | 'healthy';
  lines: string[];
  /** For example "14 checks: 12 healthy, 2 not". */
  checks: string;
  healthy: string[];
  unhealthy: string[];
  unknown: string[];
}

/** A cause with what it explains; or what has no known cause, advice, or what users say. */
export interface Cause {
  id: string;
  /** "loss", "item table", ...; "" for what stands on no part of the code. */
  role: string;
  title: string;
  findings: Finding[];
}

export interface Finding {
  id: string;
  code: string;
  /** For a narrow row, the number first: ".85 overconfident". An older server does not tell. */
  row?: string;
  severity: "error" | "warning" | "information";
  message: string;
  why: string;
  definition: string;
  nature: 'cause' | 'symptom' | 'advice';
  /** Ids of the findings that bring it about. */
  explained_by: string[];
  /** What connects it with its lines, or that no cause was found; "" for a cause and for advice. */
  blame: string;
  /** What found it; "users" are simulated ones. */
  source: "probe" | "rule" | "contract" | "users" | "trial";
  /** Id of the evolved probe that found it, null for a built-in check. */
  probe: string | null;
  /** The value with its interval, in words; "" where nothing was measured. */
  figure: string;
  /** What the value is held against, in words; "" where nothing is. */
  against: string;
  /** The code has changed since it was measured; `places` is empty where it is gone. */
  faded: boolean;
  byLlm: boolean;
  places: Place[];
  /** Ids of open proposals that address it. */
  fixes: string[];
}

/** `evolverec/gutter`, which takes `{ uri: string }`: one file as it is in the editor, lines from 0. */
export interface Gutter {
  /** One for each line with findings. severity: the worst of those that have not faded, "" where all have. */
  marks: { line: number; severity: Finding['severity'] | ''; words: string[] }[];
  /** What differs from the code of the last training. "removed": lines below this one, or above the first. */
  changed: { line: number; endLine: number; kind: 'changed' | 'added' | 'removed' }[];
}

/** `evolverec/users`. */
export interface Users {
  repo: string;
  trial: string;
  groups: UserGroup[];
}

/** One kind of personas. */
export interface UserGroup {
  /** "statistical" or "llm". */
  kind: string;
  model: string;
  asked: number;
  failed: number;
  fidelity: Figure;
  /** Why what they say does not count, "" where it does. */
  noVote: string;
  /** Traits whose users have no vote, with the reason. An older server does not tell. */
  silent?: string[];
  /** CRITICAL, NEEDS_IMPROVEMENT, STABLE or "". */
  status: string;
  because: string;
  critiques: Critique[];
  personas: Persona[];
}

export interface Critique {
  id: string;
  code: string;
  positive: boolean;
  /** For a narrow row: "27 % [21, 34] overused popularity". An older server does not tell. */
  row?: string;
  message: string;
  share: Figure;
  quotes: { user: number; persona: string; text: string }[];
  /** What was found and measured that bears on it, a line each. An older server does not tell. */
  backing?: string[];
  places: Place[];
}

export interface Persona {
  user: number;
  /** One line of description. */
  persona: string;
  /** Newest last. */
  history: string[];
  page: PageItem[];
  words: string[];
}

export interface PageItem {
  rank: number;
  title: string;
  /** Whether it fits the user. */
  align: boolean;
  /** 1..5, null where nobody rates. */
  rating: number | null;
  reason: string;
}

/** `evolverec/proposals`, best first; dismissed ones are left out. */
export interface Proposals {
  repo: string;
  proposals: Proposal[];
}

export interface Proposal {
  id: string;
  title: string;
  /** For a narrow row: "+12 % [+8, +16] full softmax loss". An older server does not tell. */
  row?: string;
  rationale: string;
  /** How it was compared with its parent: "equal steps", and in sentences; "" where that was not stored. An older server does not tell. */
  terms?: string;
  compared?: string;
  verified: "gain" | "fix" | "no";
  /** One seed rose, and further ones decide; it cannot be applied yet. */
  promising: boolean;
  whyNot: string;
  /** Relative change of the objective, with its interval, as in the code action's title. */
  gain: Figure | null;
  metrics: { name: string; before: string; after: string; change: string }[];
  addresses: { id: string; code: string }[];
  fixed: string[];
  restsOn: string[];
  byLlm: boolean;
  proposer: string;
  seeds: number;
  state: "open" | "applied";
  /** Why the patch does not fit the text as it is now, "" where it does. Hunks that were taken count as fitting. */
  unfit: string;
  files: { path: string; uri: string; proposed: string; hunks: Hunk[] }[];
}

/**
 * One edit of a proposal, in the text as it is now. Its index in `hunks` never changes: it is what
 * `evolverec.applyHunks` takes. Lines from 0, `endLine` is the first one after; equal where lines are only added.
 * `old` and `new` are whole lines, each with its line feed; `old` is "" where lines are only added.
 */
export interface Hunk {
  startLine: number;
  endLine: number;
  old: string;
  new: string;
  /** It stands in the text: taken by `evolverec.applyHunks` in this session, or the whole patch is applied. */
  taken: boolean;
  /** Why it cannot be taken now, "" where it can or is. The lines are then those it was closest to. */
  unfit: string;
}

/** `evolverec/runs`, newest first. */
export interface Runs {
  repo: string;
  /** Trials of the user's own versions. */
  trials: {
    id: string;
    /** "12 min ago", as of the answer. */
    when: string;
    /** Unix seconds. */
    at: number;
    objective: Figure | null;
    status: string;
    seconds: number;
  }[];
  runs: Run[];
}

export interface Run {
  id: string;
  strategy: string;
  proposer: string;
  model: string;
  state: "running" | "done" | "stopped";
  /** "12 min ago", as of the answer. */
  when: string;
  /** Unix seconds. */
  at: number;
  /** In words: trials, seconds, tokens, dollars, each with its limit where one was set. */
  cost: string;
  best: Figure | null;
  /** For `evolverec.cancel`; "" where none runs. */
  job: string;
  /** By `evolverec.evolve` with `{ resume: id }`: it was stopped, and the files are those it started from. */
  resumable: boolean;
  /** Best objective after 0, 1, ... trials; empty where the user's version was not measured. */
  bestSoFar: number[];
  nodes: RunNode[];
}

export interface RunNode {
  order: number;
  /** Order of its parent, -1 for the user's own version. */
  parent: number;
  title: string;
  status: string;
  objective: Figure | null;
  verified: "gain" | "fix" | "no";
  why: string;
  /** Id of the proposal made of it, "" where there is none. */
  proposal: string;
  /** "" where it was not trained. */
  trial: string;
  byLlm: boolean;
}

/** `evolverec/curves`. `trial: string` asks for that trial's; else those of the training that runs, or of the newest. */
export interface Curves {
  repo: string;
  /** "NDCG@10", by which best is told; the best epoch is chosen by the objective. */
  metric: string;
  /** The first curve is of a training that runs. */
  running: boolean;
  /** When a training ends, in a sentence. */
  rule: string;
  /** How far the running one is, "" where none runs. */
  words: string;
  /** Further trainings that run. */
  others: number;
  /** What it is about first, then earlier trainings of the user's versions on the same data, newest first. */
  curves: Curve[];
}

export interface Curve {
  trial: string;
  /** "your version", the patch, or the trial. */
  label: string;
  /** "now", "12 min ago" as of the answer, or "of the job that runs" where its training has ended and the job goes on. */
  when: string;
  /** The best epoch, 0 before any ranking. */
  best: number;
  /** Of at most some 400 epochs. null: not reported, or not ranked. */
  points: { epoch: number; loss: number | null; value: number | null }[];
}

/** Answer of `evolverec.accept`, which takes `{ repo?: string, code: string, reason: string, path?: string }`. */
export interface Accepted {
  /** Name of the baseline, and its URI. */
  file: string;
  uri: string;
  /** Whether it was not accepted already. */
  added: boolean;
}

/** `evolverec/report`: the same page as `evolverec report` writes. `run: string` asks for that run's. */
export interface Report {
  html: string;
}

/** `evolverec/estimate`: what an LLM is likely to cost, before anything is asked. */
export interface Estimate {
  /** "" where no LLM is set; then nothing costs more than time. */
  model: string;
  /** Whether dollars can be limited. */
  priced: boolean;
  /** Of evolving, in words. */
  evolve: string;
  /** Of asking users, in words. */
  users: string;
  /** Of completing a drafted adapter, in words. */
  adapter: string;
  /** What the last training of the user's version took on this machine, null before any. */
  trialSeconds: number | null;
  /** How many trials run at once. */
  slots: number;
}

/** `evolverec/setup`, for a folder `{ folder: string }`: the checks of `evolverec doctor`. */
export interface Setup {
  folder: string;
  hasConfig: boolean;
  /** Nothing that the main job needs is missing. */
  ok: boolean;
  /** needed: whether the main job does without it. help: the one command that helps, null where all is well. */
  checks: { name: string; ok: boolean; message: string; help: string | null; needed: boolean }[];
}

/** `evolverec/choices`, without parameters: what a new recommender can be made of. What suits somebody without a wish stands first. */
export interface Choices {
  /** title: for people. sentence: what kind of recommender it is, may be "". */
  seeds: { name: string; title: string; sentence: string }[];
  /** Data that evolverec brings with it. */
  data: { name: string; sentence: string }[];
  /** A log of the user's own. sentence: what it may be, in half a sentence. suffixes: of its file's name, such as ".inter.gz". */
  logs: { sentence: string; suffixes: string[] };
}

/** Answer of the command `evolverec.newRepo`, which takes `{ folder: string, seed?: string, data?: string }`. */
export interface NewRepo {
  /** The folder, absolute. */
  repo: string;
  seed: string;
  data: string;
}

/** Answer of the command `evolverec.init`, which takes `{ folder: string, data?: string, train?: string, model?: string }`. */
export interface Initialised {
  /** The folder, absolute. */
  repo: string;
  /** Files that were written; files that the user has edited, and those that an LLM has completed, which stay as they are. */
  written: string[];
  kept: string[];
  completed: string[];
  /** "module:function", and the file of the adapter; "" where the repo has such a function of its own. */
  entry: string;
  adapter: string;
  /** What has to be filled in: line from 1, 0 where it is no line. */
  missing: { path: string; line: number; message: string }[];
}

/** Answer of `evolverec.applyHunks`, which takes `{ repo?: string, proposal: string, path: string, hunks: number[] }`. */
export interface HunksApplied {
  proposal: string;
  path: string;
  hunks: number[];
  /** All of the patch is in the text now. */
  whole: boolean;
  /** What to tell the user: what was taken, and whether the result is what was measured. */
  message: string;
}

/** Notification `evolverec/told` from the server: what a job has brought, or why it failed. Each is told once. */
export interface Told {
  repo: string;
  /** "promising": one seed of a patch rose, and further ones decide. */
  level: 'done' | 'promising' | 'error';
  message: string;
  /** The patch that it is about, "" for none. */
  proposal: string;
  /** That patch can be applied. */
  verified: boolean;
  /** What can be done about an error, the likeliest first. */
  mends: Mend[];
}

/** line: from 0. python: the interpreter that runs repos. package: what pip installs there. */
export type Mend =
  | { kind: 'open' | 'log'; uri: string; line: number }
  | { kind: 'install'; python: string; package: string }
  | { kind: 'interpreter' }
  /** The function that evolverec.toml names. */
  | { kind: 'create'; repo: string; function: string }
  /** The log that it names: where its name stands, and what stands there. */
  | { kind: 'pick'; named: { uri: string; line: number; start: number; end: number; text: string } }
  | { kind: 'page'; repo: string; code: string };

/** Answer of `evolverec.explain`, which takes `{ repo?: string, code: string }`: a page in Markdown. */
export interface Explained {
  code: string;
  uri: string;
  text: string;
}

/**
 * Notification `evolverec/changed` from the server: views of this repo are out of date. Sent where
 * `initializationOptions.views` is true, and for one repo never more than five times a second.
 */
export interface Changed {
  repo: string;
}
