import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Hunk } from '../src/protocol';
import { branchName, hunkAt, proposedLines } from '../src/views/hunks';
import { hunk } from './samples';

/** The proposed text, made as the server makes it: every hunk that is open replaced. */
function proposed(lines: readonly string[], hunks: readonly Hunk[]): string[] {
  const result = [...lines];
  for (const one of [...hunks].filter((candidate) => !candidate.taken && !candidate.unfit).sort((a, b) => b.startLine - a.startLine)) {
    const added = one.new === '' ? [] : one.new.replace(/\n$/, '').split('\n');
    result.splice(one.startLine, one.endLine - one.startLine, ...added);
  }
  return result;
}

test('each hunk is found at its own lines of the proposed text, in whatever order they come', () => {
  const lines = Array.from({ length: 30 }, (_, index) => `line ${index}`);
  const hunks = [
    hunk({ startLine: 20, endLine: 22, old: 'line 20\nline 21\n', new: 'late\n' }),
    hunk({ startLine: 3, endLine: 3, old: '', new: 'one\ntwo\nthree\n' }),
    hunk({ startLine: 8, endLine: 9, old: 'line 8\n', new: '' }),
    hunk({ startLine: 12, endLine: 13, taken: true }),
  ];
  const text = proposed(lines, hunks);
  const found = proposedLines(hunks).map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(found, [['late'], ['one', 'two', 'three'], [], ['line 12']]);
});

test('the hunk at the cursor is the one that covers it, else the nearest', () => {
  const hunks = [hunk({ startLine: 2, endLine: 3, new: 'x\ny\n' }), hunk({ startLine: 10, endLine: 11 })];
  assert.equal(hunkAt(hunks, 3), 0);
  assert.equal(hunkAt(hunks, 11), 1);
  assert.equal(hunkAt(hunks, 100), 1);
  assert.equal(hunkAt([], 0), -1);
});

test('a patch gives its branch a name that git takes', () => {
  assert.equal(branchName('Full softmax loss: all items!'), 'full-softmax-loss-all-items');
  assert.equal(branchName('損失'), 'patch');
});
