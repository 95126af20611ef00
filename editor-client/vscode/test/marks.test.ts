import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

import { changeMarks, findingMarks, KINDS } from '../src/ui/gutterMarks';
import { checksOf, endOf, wordsOf } from '../src/views/checks';
import { finding, repo } from './samples';

test('each line has one mark, by the worst of its findings; one whose findings have all faded is grey', () => {
  const found = findingMarks({
    marks: [
      { line: 3, severity: 'error', words: ['a', 'b'] },
      { line: 9, severity: '', words: ['earlier version: c'] },
    ],
    changed: [],
  });
  assert.deepEqual(found.error, [{ line: 3, endLine: 3, words: 'a\nb' }]);
  assert.deepEqual(found.faded.map((mark) => mark.line), [9]);
  for (const kind of KINDS) assert.ok(existsSync(`media/gutter/${kind}.svg`), kind);
});

test('what differs from the measured code says how', () => {
  const words = changeMarks({ marks: [], changed: [{ line: 1, endLine: 4, kind: 'changed' }, { line: 8, endLine: 8, kind: 'removed' }] });
  assert.deepEqual(words.map((mark) => [mark.line, mark.endLine]), [[1, 4], [8, 8]]);
  assert.match(words[0]?.words ?? '', /another version/);
  assert.match(words[1]?.words ?? '', /removed/);
});

test('the checklist has every check of the verdict, what is wrong first with its words; what was accepted or dismissed is not wrong', () => {
  const cause = { id: 'c', role: '', title: '', findings: [finding({ code: 'overconfidence', message: 'Overconfident', figure: '.79' })] };
  const verdict = { status: 'needs improvement' as const, lines: [], checks: '', healthy: ['b', 'a'], unhealthy: ['overconfidence', 'hidden'], unknown: ['slice-gap'] };
  const checks = checksOf({ repo: '/r', verdict, causes: [cause], remarks: [] });
  assert.deepEqual(checks.map((check) => [check.code, check.state]), [
    ['overconfidence', 'failed'],
    ['hidden', 'skipped'],
    ['slice-gap', 'skipped'],
    ['a', 'passed'],
    ['b', 'passed'],
  ]);
  const [found] = checks;
  assert.ok(found);
  assert.deepEqual(wordsOf(found), ['Overconfident', 'The score follows popularity.', 'Value: .79', 'Held against: popularity 1.2', 'model.py:42']);
  assert.deepEqual(checksOf({ repo: '/r', verdict: null, causes: [], remarks: [] }), []);
});

test('checks are told only of a diagnosis that has measured them', () => {
  const standing = { stage: 'failed' as const, words: 'Training failed: fit() raised KeyError', uri: '', line: 0 };
  assert.equal(endOf('j', repo({ ended: { job: 'j', state: 'done' } })), '');
  assert.equal(endOf('j', repo({ ended: { job: 'j', state: 'cancelled' }, standing })), 'cancelled');
  assert.equal(endOf('j', repo({ ended: { job: 'j', state: 'failed' }, standing })), standing.words);
  assert.equal(endOf('j', repo({ ended: { job: 'j', state: 'lost' } })), 'The diagnosis failed.');
  assert.equal(endOf('j', repo({ ended: { job: 'other', state: 'failed' } })), '');
  assert.equal(endOf('j', undefined), 'The server is gone.');
});
