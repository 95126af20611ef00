import assert from 'node:assert/strict';
import { test } from 'node:test';

import { findingChoices, patchChoices } from '../src/views/asked';
import { finding, proposal } from './samples';

const place = (line: number) => ({ uri: 'file:///r/model.py', path: 'model.py', line, endLine: line + 2, role: '' });
const found = [finding({ id: 'faded', row: '1 faded', faded: true, places: [] }), finding({ id: 'far', row: '2 far', places: [place(90)] }), finding({ id: 'near', row: '3 near', places: [place(10)] })];
const causes = [{ id: 'c', role: 'loss', title: 'The loss', findings: found }, { id: 'd', role: '', title: 'Unknown', findings: found.slice(0, 1) }];
const findings = { repo: '/r', verdict: null, causes, remarks: [] };

test('a finding at the cursor is offered first and a faded one last, each once', () => {
  const choices = findingChoices(findings, { uri: 'file:///r/model.py', line: 12 });
  assert.deepEqual(choices.map((choice) => choice.of.id), ['near', 'far', 'faded']);
  assert.deepEqual(choices.map((choice) => choice.description), ['model.py:11', 'model.py:91', 'faded']);
  assert.deepEqual(findingChoices(findings, { uri: 'file:///r/other.py', line: 12 }).map((choice) => choice.of.id), ['far', 'near', 'faded']);
  assert.deepEqual(findingChoices(findings).map((choice) => choice.label), ['2 far', '3 near', '1 faded']);
});

test('a patch is offered by its row and its state; to be taken, only where it is open and fits', () => {
  const patches = [proposal({ id: 'a' }), proposal({ id: 'b', state: 'applied' }), proposal({ id: 'c', unfit: 'line 3 differs' }), proposal({ id: 'd', verified: 'no', whyNot: 'within noise' })];
  assert.deepEqual(patchChoices(patches, false).map((choice) => choice.description), ['verified gain', 'applied', 'does not fit the text now', 'not verified · within noise']);
  assert.deepEqual(patchChoices(patches, true).map((choice) => choice.of.id), ['a', 'd']);
  assert.equal(patchChoices(patches, true)[0]?.label, '+12 % [+8, +16] full softmax');
});
