import assert from 'node:assert/strict';
import { test } from 'node:test';

import { merge } from '../src/views/merge';
import { leaf, type Node } from '../src/views/node';

const row = (id: string, children: Node[] = [], description = ''): Node => ({ ...leaf(id, id, 'beaker', description), children });

test('what did not change is not drawn again, and its object stays', () => {
  const kept = row('hunk');
  const shown = [row('patch', [kept])];
  assert.deepEqual(merge(shown, [row('patch', [row('hunk')])]), []);
  assert.equal(shown[0]?.children?.[0], kept);
});

test('only the row whose words changed is drawn again', () => {
  const skipped = row('hunk 2');
  const shown = [row('patch', [row('hunk 1'), skipped])];
  const changed = merge(shown, [row('patch', [row('hunk 1'), row('hunk 2', [], 'skipped')])]);
  assert.ok(Array.isArray(changed));
  assert.equal(changed.length, 1);
  assert.equal(changed[0], skipped);
  assert.equal(skipped.description, 'skipped');
});

test('a row above one that came or went is drawn again, what stays keeps its object', () => {
  const kept = row('second');
  const shown = [row('patch', [row('first'), kept])];
  const patch = shown[0];
  assert.deepEqual(merge(shown, [row('patch', [kept, row('third')])]), [patch]);
  assert.equal(patch?.children?.[0], kept);
  assert.equal(patch?.children?.[1]?.id, 'third');
});

test('rows at the top that came, went or moved draw everything again', () => {
  for (const fresh of [['a'], ['a', 'b', 'c'], ['b', 'a']]) {
    const shown = [row('a'), row('b')];
    assert.equal(
      merge(
        shown,
        fresh.map((id) => row(id)),
      ),
      'all',
    );
    assert.deepEqual(
      shown.map(({ id }) => id),
      fresh,
    );
  }
});

test('what a row no longer has is taken from it; its subject is always the newest', () => {
  const shown: Node[] = [{ ...row('patch', [], '+12 %'), subject: { kind: 'repo', repo: '/old' } }];
  const { description: _, ...without } = row('patch');
  assert.deepEqual(merge(shown, [{ ...without, subject: { kind: 'repo', repo: '/new' } }]), shown);
  assert.equal(shown[0]?.description, undefined);
  assert.deepEqual(shown[0]?.subject, { kind: 'repo', repo: '/new' });
});
