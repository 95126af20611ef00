import assert from 'node:assert/strict';
import { test } from 'node:test';

import { candidates, serverCommand, type Sources } from '../src/server/candidates';

const NOTHING: Sources = {
  path: '',
  interpreter: '',
  pythonExtension: '',
  ownEnvironment: '',
  onPath: { evolverec: '', pythons: [] },
};

test('a server that the user named is the only candidate', () => {
  const found = candidates({ ...NOTHING, path: '/opt/evolverec', pythonExtension: '/venv/bin/python' });
  assert.deepEqual(found.map((candidate) => [candidate.program, candidate.named]), [['/opt/evolverec', true]]);
});

test('the interpreter that was chosen comes before what is lying about, our own environment last', () => {
  const found = candidates({
    path: '',
    interpreter: '/a/python',
    pythonExtension: '/b/python',
    ownEnvironment: '/e/python',
    onPath: { evolverec: '/c/evolverec', pythons: ['/d/python3', '/b/python'] },
  });
  assert.deepEqual(
    found.map((candidate) => candidate.program),
    ['/a/python', '/b/python', '/c/evolverec', '/d/python3', '/e/python'],
  );
});

test('a Python runs the module and an executable runs itself', () => {
  const [python] = candidates({ ...NOTHING, path: 'C:\\envs\\python3.12.exe' });
  const [executable] = candidates({ ...NOTHING, path: '/usr/bin/evolverec' });
  assert.ok(python && executable);
  assert.deepEqual(serverCommand(python, []).args, ['-E', '-m', 'evolverec_entry', 'lsp']);
  assert.deepEqual(serverCommand(executable, ['--stdio']), { command: '/usr/bin/evolverec', args: ['lsp', '--stdio'] });
});
