import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';
import { after, test } from 'node:test';

import type { Candidate } from '../src/server/candidates';
import { firstServing, onPath, pythonFacts } from '../src/server/probe';

const folder = mkdtempSync(path.join(tmpdir(), 'probe-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function script(name: string, body: string): string {
  const file = path.join(folder, name);
  writeFileSync(file, `#!/bin/sh\n${body}\n`);
  chmodSync(file, 0o755);
  return file;
}

const python = (program: string): Candidate => ({ program, kind: 'python', from: 'PATH', named: false });

test('the first that serves is taken, and each other one is told why not', async () => {
  const old = script('python-old', `echo '{"version": [3, 9], "executable": "x", "evolverec": true, "numpy": true, "torch": true}'`);
  const bare = script('python-bare', `echo '{"version": [3, 12], "executable": "x", "evolverec": false, "numpy": false, "torch": false}'`);
  const good = script('python-good', `echo '{"version": [3, 11], "executable": "x", "evolverec": true, "numpy": true, "torch": true}'`);
  const broken = script('python-broken', 'exit 3');
  const found = await firstServing([python(old), python(bare), python(broken), python(good)], folder);
  assert.ok('serving' in found);
  assert.equal(found.serving.candidate.program, good);
  const none = await firstServing([python(old), python(bare), python(broken), python(path.join(folder, 'absent'))], folder);
  assert.ok('reasons' in none);
  assert.match(none.reasons[0] ?? '', /Python 3\.9; evolverec needs 3\.11 or later/);
  assert.match(none.reasons[1] ?? '', /Python 3\.12 without evolverec/);
  assert.match(none.reasons[2] ?? '', /is no Python that runs/);
  assert.match(none.reasons[3] ?? '', /is no Python that runs/);
});

test('an executable that does not run is told with its error', async () => {
  const found = await firstServing([{ program: path.join(folder, 'absent'), kind: 'executable', from: 'setting evolverec.path', named: true }], folder);
  assert.ok('reasons' in found);
  assert.match(found.reasons[0] ?? '', /absent \(setting evolverec\.path\): does not run/);
});

test('a real Python is asked without importing anything, and PYTHONPATH does not count', async () => {
  const [real] = await onPath(['python3']);
  assert.ok(real, 'these tests need a python3 on PATH');
  const before = await pythonFacts(real, tmpdir());
  for (const name of ['torch', 'evolverec_entry']) writeFileSync(path.join(folder, `${name}.py`), 'raise SystemExit(9)');
  process.env['PYTHONPATH'] = folder;
  const facts = await pythonFacts(real, tmpdir());
  delete process.env['PYTHONPATH'];
  assert.equal(facts?.version[0], 3);
  assert.deepEqual(facts, before);
});

test('PATH is searched in its order, and folders relative to the repo are no part of it', async () => {
  const first = script('tool', 'true');
  const env = { PATH: ['.', 'bin', folder, '/usr/bin'].join(path.delimiter) };
  assert.deepEqual(await onPath(['tool', 'no-such-tool'], env), [first]);
});
