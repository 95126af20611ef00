/** Answers of the server, as small as the tests need them. */

import type { Figure, Finding, Hunk, Proposal, RepoState, Run, UserGroup } from '../src/protocol';

export const figure = (text: string, value = 0, short = text): Figure => ({ value, low: null, high: null, unit: '', text, short });

export const finding = (given: Partial<Finding> = {}): Finding => ({
  id: 'f1',
  code: 'popularity-lift',
  row: '2.1 popularity lift',
  severity: 'warning',
  message: 'Popular items are shown too often',
  why: 'The score follows popularity.',
  definition: 'Share of popular items over their share in the log.',
  nature: 'cause',
  explained_by: [],
  blame: '',
  source: 'probe',
  probe: null,
  figure: '2.1 [1.8, 2.4]',
  against: 'popularity 1.2',
  faded: false,
  byLlm: false,
  places: [{ uri: 'file:///r/model.py', path: 'model.py', line: 41, endLine: 43, role: 'loss' }],
  fixes: [],
  ...given,
});

export const hunk = (given: Partial<Hunk> = {}): Hunk => ({
  startLine: 0,
  endLine: 1,
  old: 'a\n',
  new: 'b\n',
  taken: false,
  unfit: '',
  ...given,
});

export const proposal = (given: Partial<Proposal> = {}): Proposal => ({
  id: 'p1',
  title: 'Full softmax',
  row: '+12 % [+8, +16] full softmax',
  rationale: 'Sampled negatives are too easy.',
  verified: 'gain',
  promising: false,
  whyNot: '',
  gain: { value: 12.4, low: 8.2, high: 16, unit: '%', text: 'objective .142 → .159 (+12 %, 95 % [+8, +16] %)', short: '+12 % [+8, +16]' },
  metrics: [{ name: 'NDCG@10', before: '.142', after: '.159', change: '+12 % [+8, +16]' }],
  addresses: [{ id: 'f1', code: 'popularity-lift' }],
  fixed: [],
  restsOn: [],
  byLlm: false,
  proposer: 'recipe',
  seeds: 2,
  state: 'open',
  unfit: '',
  files: [{ path: 'model.py', uri: 'file:///r/model.py', proposed: 'evolverec-proposal:/p1/model.py?/r', hunks: [hunk()] }],
  ...given,
});

export const repo = (given: Partial<RepoState> = {}): RepoState => ({
  repo: '/r',
  name: 'r',
  summary: 'NDCG@10 .142',
  trusted: true,
  jobs: [],
  errors: 0,
  warnings: 0,
  informations: 0,
  proposals: 0,
  objective: null,
  edited: false,
  trouble: '',
  standing: { stage: 'findings', words: '', uri: '', line: 0 },
  steps: { diagnosed: true, asked: false, taken: false },
  ...given,
});

export const group = (given: Partial<UserGroup> = {}): UserGroup => ({
  kind: 'statistical',
  model: '',
  asked: 200,
  failed: 0,
  fidelity: figure('.89 [.86, .91]'),
  noVote: '',
  status: 'NEEDS_IMPROVEMENT',
  because: 'A third miss diversity.',
  critiques: [],
  personas: [],
  ...given,
});

export const run = (given: Partial<Run> = {}): Run => ({
  id: 'r1',
  strategy: 'directional',
  proposer: 'recipes',
  model: '',
  state: 'done',
  when: '2 h ago',
  at: 0,
  cost: '12 of 24 trials, 340 s',
  best: figure('.17 [.16, .18]'),
  job: '',
  resumable: false,
  bestSoFar: [],
  nodes: [],
  ...given,
});
