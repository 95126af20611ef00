import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Standing, Told } from '../src/protocol';
import { buttonsOf, helpOf, isWanted, LOG, RESTART, stillNews } from '../src/ui/buttons';
import { proposalsTree } from '../src/views/proposalsTree';
import { statusOf } from '../src/ui/words';
import { findingsTree } from '../src/views/findingsTree';
import { proposal, repo } from './samples';

const told = (given: Partial<Told> = {}): Told => ({ repo: '/r', level: 'done', message: 'm', proposal: '', verified: false, mends: [], ...given });

test('a result has buttons for its patch, and only a verified one can be applied from there', () => {
  assert.deepEqual(buttonsOf(told()), []);
  const titles = (given: Partial<Told>) => buttonsOf(told(given)).map((button) => button.title);
  assert.deepEqual(titles({ proposal: 'p1', level: 'promising' }), ['Show Diff']);
  assert.deepEqual(titles({ proposal: 'p1', verified: true }), ['Show Diff', 'Apply']);
  assert.deepEqual(buttonsOf(told({ proposal: 'p1' }))[0]?.action, { do: 'command', command: 'evolverec.ui.diff', given: [{ repo: '/r', proposal: 'p1' }] });
});

test('an error has the buttons that mend it', () => {
  const buttons = buttonsOf(
    told({
      level: 'error',
      mends: [{ kind: 'interpreter' }, { kind: 'install', python: '/my env/python', package: 'torch' }, { kind: 'open', uri: 'file:///r/m.py', line: 4 }, { kind: 'log', uri: 'file:///r/l', line: 0 }],
    }),
  );
  assert.deepEqual(buttons.map((button) => button.title), ['Choose Interpreter', 'Install torch', 'Open Line', 'Show Log']);
  assert.deepEqual(buttons[1]?.action, { do: 'type', text: '"/my env/python" -m pip install torch' });
  assert.deepEqual(buttons[2]?.action, { do: 'open', uri: 'file:///r/m.py', line: 4 });
});

test('a page has a button that shows it', () => {
  const [show] = buttonsOf(told({ mends: [{ kind: 'page', repo: '/r', code: 'x' }] }));
  assert.deepEqual(show?.action, { do: 'command', command: 'evolverec.ui.explain', given: [{ repo: '/r', code: 'x' }] });
});

test('errors are told whatever the setting says', () => {
  for (const setting of ['all', 'results', 'errors']) assert.ok(isWanted(told({ level: 'error' }), setting));
  assert.ok(isWanted(told({ level: 'promising' }), 'all') && !isWanted(told({ level: 'promising' }), 'results'));
  assert.ok(isWanted(told(), 'results') && !isWanted(told(), 'errors'));
});

test('a promising patch stands apart from those that were refused', () => {
  const [promising, tried] = proposalsTree({ repo: '/r', proposals: [proposal({ id: 'a', verified: 'no', promising: true }), proposal({ id: 'b', verified: 'no' })] }, new Set());
  assert.equal(promising?.label, '1 promising, further seeds decide');
  assert.deepEqual(promising?.children?.map((row) => row.id), ['proposal:/r:a']);
  assert.deepEqual(tried?.children?.map((row) => row.id), ['proposal:/r:b']);
});

test('where nothing can run, failed or was found, a row of the findings says so and opens the line', () => {
  const found = { repo: '/r', verdict: null, causes: [], remarks: [] };
  const row = (given: Partial<Standing>) => findingsTree(found, [], { stage: 'clean', words: 'w', uri: '', line: 0, ...given })[0];
  const config = row({ stage: 'config', words: 'evolverec.toml:5 no such log', uri: 'file:///r/evolverec.toml', line: 4 });
  assert.equal(config?.label, 'evolverec.toml:5 no such log');
  assert.equal(config?.open, 'reveal');
  assert.equal(row({ words: 'No findings: 14 checks healthy' })?.open, undefined);
  assert.equal(row({ stage: 'untrained' }), undefined);
});

test('the status bar names what is wrong before it counts', () => {
  const standing = { words: '', uri: '', line: 0 };
  assert.equal(statusOf('running', repo({ warnings: 2, standing: { ...standing, stage: 'config' } })).text, 'evolverec.toml is wrong');
  const failed = (words: string) => statusOf('running', repo({ standing: { ...standing, stage: 'failed', words } })).text;
  assert.equal(failed('Training failed: fit() raised KeyError'), 'training failed');
  assert.equal(failed('the interpreter /no/python does not run'), 'last job failed');
});

test('what evolverec.toml names and is not there can be made or picked from the notification', () => {
  const named = { uri: 'file:///r/evolverec.toml', line: 4, start: 10, end: 21, text: 'nothing.csv' };
  const [create, pick] = buttonsOf(told({ level: 'error', mends: [{ kind: 'create', repo: '/r', function: 'build' }, { kind: 'pick', named }] }));
  assert.deepEqual(create, { title: 'Create build()', action: { do: 'command', command: 'evolverec.createEntry', given: [{ repo: '/r' }] } });
  assert.deepEqual(pick, { title: 'Pick the Log…', action: { do: 'command', command: 'evolverec.ui.pickLog', given: [named] } });
});

test('after a while away what is still news is shown: no promise that its job has kept or broken since, and the newest', () => {
  const promise = told({ level: 'promising', message: 'promising' });
  const end = told({ message: 'end' });
  assert.deepEqual(stillNews([promise, end]), [end]);
  assert.deepEqual(stillNews([promise]), [promise]);
  assert.deepEqual(stillNews([promise, told({ repo: '/other', message: 'end' })]).length, 2);
  const many = [1, 2, 3, 4].map((number) => told({ message: String(number) }));
  assert.deepEqual(stillNews(many).map((one) => one.message), ['2', '3', '4']);
});

test('the log and a new server are offered for faults, and not where the server says what to do', () => {
  const refused = Object.assign(new Error("branch 'x' exists already; choose another name"), { code: -32803 });
  assert.deepEqual(helpOf(refused), []);
  for (const fault of [new Error('gone'), 'gone', Object.assign(new Error('a fault of evolverec'), { code: -32603 })]) {
    assert.deepEqual(helpOf(fault), [LOG, RESTART]);
  }
});
