import assert from 'node:assert/strict';
import * as path from 'node:path';
import { test } from 'node:test';

import { afterSetUp, entryOf, extensionsOf, lineOf, sourceOf } from '../src/first/template';
import { guarded, themed } from '../src/ui/page';
import { repoOf, statusOf, timeOf } from '../src/ui/words';
import { figure, repo } from './samples';

const job = { job: 'j', kind: 'train', label: 'training 43 %: epoch 6/20, loss .693', share: 0.43 };

test('the status says what runs, then what was found, then the figure', () => {
  assert.equal(statusOf('running', repo({ jobs: [job] })).text, 'training 43 %');
  assert.equal(statusOf('running', repo({ jobs: [job, job] })).text, 'training 43 %, 1 more');
  assert.equal(statusOf('running', repo({ warnings: 2, errors: 1 })).text, '3 findings');
  const trained = repo({ objective: figure('.1'), summary: 'NDCG@10 .184 ± .034, just now, 0 findings' });
  assert.equal(statusOf('running', trained).text, 'NDCG@10 .184 ± .034');
  assert.equal(statusOf('running', repo()).text, 'not trained yet');
});

test('what is wrong with the server or the store comes before all else', () => {
  assert.equal(statusOf('missing', repo({ jobs: [job] })).text, 'not found');
  assert.equal(statusOf('running', repo({ trouble: 'damaged', warnings: 3 })).level, 'error');
});

test('a file belongs to the innermost repo, and a name alike is another folder', () => {
  const repos = [{ repo: '/a' }, { repo: '/a/b' }];
  assert.equal(repoOf('/a/b/c.py', repos, '/')?.repo, '/a/b');
  assert.equal(repoOf('/a/bc.py', repos, '/')?.repo, '/a');
  assert.equal(repoOf('/ab/c.py', repos, '/'), undefined);
});

test('the entry of a config is a file and a function in it', () => {
  assert.deepEqual(entryOf('[recommender]\nentry = "pkg.model:build"\n'), { file: 'pkg/model.py', name: 'build' });
  assert.equal(entryOf('[recommender]\n'), undefined);
  assert.equal(lineOf('import a\n\ndef build(data):\n', 'build'), 2);
  assert.deepEqual(extensionsOf(['.jsonl', '.jsonl.gz', '.inter.gz']), ['jsonl', 'gz']);
});

test('a set-up says what it wrote, what is to be filled in, and asks for the log where none was found', () => {
  const made = { repo: '/r', written: ['adapter.py', 'evolverec.toml'], kept: [], completed: [], entry: 'adapter:build', adapter: 'adapter.py', missing: [] };
  assert.deepEqual(afterSetUp(made), { text: 'Wrote adapter.py, evolverec.toml; nothing of this folder was run.', needsLog: false, hasGaps: false });
  const gaps = [{ path: 'adapter.py', line: 7, message: 'fill in' }, { path: 'evolverec.toml', line: 0, message: 'a log' }];
  const told = afterSetUp({ ...made, missing: gaps });
  assert.match(told.text, /Fill in line 7 of adapter\.py\./);
  assert.deepEqual([told.needsLog, told.hasGaps], [true, true]);
});

test('the policy of a page stands before everything in it', () => {
  const page = guarded('<!doctype html><html><head lang="en"><style>a{}</style></head><body></body></html>');
  assert.match(page, /<head lang="en"><meta http-equiv="Content-Security-Policy" content="default-src 'none';[^"]*"><style>/);
  assert.doesNotMatch(page, /script-src/);
  assert.match(guarded('<p>x</p>'), /^<meta/);
});

test('a page is dark where the editor is, whatever the system says', () => {
  const css = ':root { color-scheme: light dark } @media (prefers-color-scheme: dark) { body { color: white } }';
  assert.equal(themed(css, true), ':root { color-scheme: dark } @media screen { body { color: white } }');
  assert.equal(themed(css, false), ':root { color-scheme: light } @media not all { body { color: white } }');
});

test('a log is named relative to the repo where it lies inside', () => {
  assert.equal(sourceOf('/r', '/r/data/log.csv', path.posix), 'data/log.csv');
  assert.equal(sourceOf('/r', '/data/my "log".csv', path.posix), '/data/my \\"log\\".csv');
  assert.equal(sourceOf('C:\\r', 'D:\\log.csv', path.win32), 'D:/log.csv');
});

test('what trials take is told before a run, by the last training', () => {
  assert.equal(timeOf(24, 125, 1), '24 trials take about 50 min on this machine, by your last training');
  assert.equal(timeOf(24, 125, 4), '24 trials take about 13 min on this machine, by your last training');
  assert.equal(timeOf(3, 10, 1), '3 trials take about 30 s on this machine, by your last training');
  assert.equal(timeOf(3, null, 1), '');
});
