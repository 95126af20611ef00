import assert from 'node:assert/strict';
import { test } from 'node:test';

import { configTemplate, entryOf, extensionsOf, guessEntry, lineOf } from '../src/first/template';
import { guarded, themed } from '../src/ui/page';
import { repoOf, statusOf } from '../src/ui/words';
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

test('the entry is the build function nearest to the root', () => {
  const files = [
    { path: 'pkg/deep/x.py', text: 'def build(data):' },
    { path: 'pkg/model.py', text: 'import a\n\ndef build(data, *, device, seed):' },
    { path: 'setup.py', text: 'class A:\n    def build(self):' },
  ];
  assert.equal(guessEntry(files), 'pkg.model:build');
  assert.equal(guessEntry([]), '');
  assert.deepEqual(entryOf(configTemplate('pkg.model:build')), { file: 'pkg/model.py', name: 'build' });
  assert.equal(entryOf('[recommender]\n'), undefined);
  assert.equal(lineOf('import a\n\ndef build(data):\n', 'build'), 2);
});

test('a set-up names the data and the logs that the server knows, and does without a server', () => {
  const choices = {
    seeds: [],
    data: [{ name: 'shop-tiny', sentence: 'a made-up shop' }],
    logs: { sentence: 'a throw-away .jsonl file', suffixes: ['.jsonl', '.jsonl.gz', '.inter.gz'] },
  };
  const text = configTemplate('', choices);
  assert.match(text, /a throw-away \.jsonl file/);
  assert.match(text, /"shop-tiny"/);
  assert.match(text, /^source = "data\/log\.jsonl"$/m);
  assert.match(configTemplate(''), /^source = "data\/log"$/m);
  assert.deepEqual(extensionsOf(choices.logs.suffixes), ['jsonl', 'gz']);
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
