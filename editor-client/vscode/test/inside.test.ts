import assert from 'node:assert/strict';
import { test } from 'node:test';

import { liesInside } from '../src/server/inside';

test('a program lies in a folder by any of its names, and not beside it', () => {
  assert.ok(liesInside(['/repo/.venv/bin/python'], ['/repo']));
  assert.ok(liesInside(['/elsewhere/python', '/repo/python'], ['/other', '/repo']));
  assert.ok(liesInside(['/repo/..venv/python'], ['/repo']));
  assert.ok(!liesInside(['/repository/python', '/usr/bin/python3'], ['/repo']));
  assert.ok(!liesInside(['/repo'], ['/repo/inner']));
  assert.ok(!liesInside(['/repo/python'], []));
});
