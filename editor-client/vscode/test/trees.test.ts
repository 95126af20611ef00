import assert from 'node:assert/strict';
import { test } from 'node:test';

import { diffTitle, findingsTree } from '../src/views/findingsTree';
import { beside, escape, type Node, withoutTwins } from '../src/views/node';
import { personaPage } from '../src/views/personaPage';
import { hunkKey, measuredWords, proposalsTree } from '../src/views/proposalsTree';
import { bestSoFar, runsTree } from '../src/views/runsTree';
import { usersTree } from '../src/views/usersTree';
import { figure, finding, group, hunk, proposal, run } from './samples';

const all = (nodes: readonly Node[]): Node[] => nodes.flatMap((node) => [node, ...all(node.children ?? [])]);
const labelled = (nodes: readonly Node[], label: RegExp): Node => {
  const found = all(nodes).find((node) => label.test(node.label));
  assert.ok(found, `no row ${label}`);
  return found;
};
const cause = (...findings: ReturnType<typeof finding>[]) => ({
  repo: '/r',
  verdict: null,
  causes: [{ id: 'f1', role: 'loss', title: 'Loss', findings }],
  remarks: [] as string[],
});

test('a finding says its severity in words, its interval, its line and its fixes', () => {
  const tree = findingsTree(cause(finding({ fixes: ['p1'] })), [proposal()]);
  const row = labelled(tree, /^2\.1 popularity lift/);
  assert.equal(row.description, 'Popular items are shown too often · 1 fix');
  assert.match(row.spoken ?? '', /^warning: popularity-lift, Popular items are shown too often\. model\.py:42\. 1 measured fix\.$/);
  assert.equal(labelled(tree, /^2\.1 \[1\.8, 2\.4\]$/).description, 'against popularity 1.2');
  assert.equal(row.open, 'reveal');
  assert.equal(labelled(tree, /^\+12 % \[\+8, \+16\] full softmax/).description, '');
});

test('what to know beside the findings stands below them, and alone where there are none', () => {
  const remarks = ['sandbox: none', 'no training step was traced'];
  const tree = findingsTree({ ...cause(finding()), remarks }, []);
  assert.deepEqual(tree.slice(1).map(({ label }) => label), remarks);
  assert.deepEqual(findingsTree({ repo: '/r', verdict: null, causes: [], remarks }, []).length, 2);
});

test('what a cause explains stands below it, and says what connects the two', () => {
  const symptom = finding({ id: 'f2', code: 'weaker-than-ease', row: '.184 weaker than EASE', nature: 'symptom', explained_by: ['f1'], blame: 'Explained by: Popularity lift.' });
  const [node] = findingsTree(cause(finding(), symptom, finding({ id: 'f3', code: 'alone', row: 'alone' })), []);
  assert.deepEqual(node?.children?.map(({ label }) => label), ['2.1 popularity lift', 'alone']);
  const below = labelled(node?.children?.[0]?.children ?? [], /weaker than EASE/);
  assert.ok(labelled(below.children ?? [], /^Explained by: Popularity lift/));
});

test('the verdict stands first: its lines, and which checks were healthy', () => {
  const verdict = { status: 'needs improvement' as const, lines: ['Ids off by one'], checks: '2 checks: 1 healthy, 1 not', healthy: ['same-list'], unhealthy: ['id-round-trip'], unknown: [] };
  const [node] = findingsTree({ ...cause(finding()), verdict }, []);
  assert.equal(node?.label, 'needs improvement');
  assert.deepEqual(node?.children?.map(({ label }) => label), ['Ids off by one', '2 checks: 1 healthy, 1 not']);
  assert.ok(labelled(node?.children ?? [], /^same-list$/));
});

test('a faded finding is not counted and says so', () => {
  const [node] = findingsTree(cause(finding(), finding({ id: 'f2', faded: true, places: [] })), []);
  assert.equal(node?.description, '1 finding · 1 faded');
  const faded = node?.children?.[1];
  assert.match(faded?.description ?? '', /^faded/);
  assert.equal(faded?.open, undefined);
});

test('what costs no accuracy is counted as a remark, as in lens, status bar and terminal', () => {
  const remark = finding({ id: 'f2', severity: 'information' });
  const [both] = findingsTree(cause(finding(), remark), []);
  assert.equal(both?.description, '1 finding · 1 remark');
  const [alone] = findingsTree(cause(remark), []);
  assert.deepEqual([alone?.description, alone?.unfolded], ['1 remark', true]);
});

test('the tab of a diff begins with the gain', () => {
  assert.equal(diffTitle(proposal(), 'model.py'), '+12 % [+8, +16] Full softmax in model.py');
  assert.equal(diffTitle(proposal({ gain: null })), 'Full softmax');
});

test('what an LLM said is marked, wherever it shows', () => {
  assert.match(labelled(findingsTree(cause(finding({ byLlm: true, source: 'users' })), []), /popularity lift/).description ?? '', /said by an LLM/);
  const patch = labelled(proposalsTree({ repo: '/r', proposals: [proposal({ byLlm: true })] }, new Set()), /full softmax/);
  assert.match(patch.description ?? '', /by an LLM/);
  assert.match(patch.spoken ?? '', /by an LLM/);
  const persona = { user: 7, persona: 'likes jazz', history: [], page: [], words: [] };
  assert.match(personaPage(group({ kind: 'llm', model: 'm1' }), persona), /Played by the LLM m1/);
  assert.match(labelled(usersTree({ repo: '/r', trial: 't', groups: [group({ kind: 'llm', model: 'm1' })] }), /LLM/).label, /m1/);
});

test('verified patches stand first, then applied ones, then those that failed with the reason', () => {
  const tree = proposalsTree(
    {
      repo: '/r',
      proposals: [
        proposal(),
        proposal({ id: 'p2', title: 'more heads', verified: 'no', whyNot: 'the interval holds 0' }),
        proposal({ id: 'p3', title: 'dropout', state: 'applied' }),
      ],
    },
    new Set(),
  );
  assert.deepEqual(tree.map((node) => node.label), ['+12 % [+8, +16] full softmax', '1 applied', '1 tried, not verified']);
  assert.ok(labelled(tree, /the interval holds 0/));
});

test('a gain is told with its interval, shortly in the row and whole below it', () => {
  const [node] = proposalsTree({ repo: '/r', proposals: [proposal()] }, new Set());
  assert.deepEqual([node?.label, node?.description], ['+12 % [+8, +16] full softmax', '']);
  assert.equal(node?.children?.[0]?.label, 'objective .142 → .159 (+12 %, 95 % [+8, +16] %)');
  const { row: _, ...untold } = proposal({ gain: { value: -3, low: -5, high: -1, unit: '%', text: 'objective .142 → .138 (-3 %, 95 % [-5, -1] %)' } });
  const [older] = proposalsTree({ repo: '/r', proposals: [untold] }, new Set());
  assert.match(`${older?.label} ${older?.description}`, /^Full softmax .*-3 %/, 'a server that tells no rows');
});

test('how a patch was compared stands beside its gain, and in sentences where the mouse is over it, in the diff too', () => {
  const compared = 'Compared at equal steps: 160 optimizer steps, within the 240 that your version had.';
  const measured = proposal({ terms: 'equal steps', compared });
  const gain = proposalsTree({ repo: '/r', proposals: [measured] }, new Set())[0]?.children?.[0];
  assert.equal(gain?.description, '2 seeds · equal steps');
  assert.match(gain?.tooltip ?? '', /160 optimizer steps/);
  assert.match(measuredWords(measured), /^\*\*Full softmax\*\*: objective .* 2 seeds · equal steps\n\nCompared at equal steps/);
});

test('what users say stands below that heading, and only where an LLM plays them says so itself', () => {
  const said = labelled(findingsTree(cause(finding({ source: 'users' })), []), /popularity lift/);
  assert.doesNotMatch(said.description ?? '', /said by/);
  assert.match(said.spoken ?? '', /said by users/);
});

test('a row does not say its figure twice', () => {
  assert.equal(beside('70 % [64, 76] overused popularity', '70 % [64, 76] of 200 users find that'), 'of 200 users find that');
  assert.equal(beside('.79 overconfident', 'top-1 .79, right .04'), 'top-1 .79, right .04');
  assert.equal(beside('.79 overconfident', '.793 of it'), '.793 of it');
  assert.equal(beside('overused popularity', 'overused by many'), 'overused by many');
});

test('a patch without a measured gain says that it has none', () => {
  const [node] = proposalsTree({ repo: '/r', proposals: [proposal({ gain: null })] }, new Set());
  assert.match(node?.description ?? '', /no gain measured/);
});

test('each hunk says where it stands and whether it was taken, skipped or does not fit', () => {
  const hunks = [hunk({ startLine: 4 }), hunk({ startLine: 9, taken: true }), hunk({ startLine: 12 }), hunk({ startLine: 20, unfit: 'line 21 was edited' })];
  const file = { path: 'model.py', uri: 'file:///r/model.py', proposed: 'evolverec-proposal:/p1/model.py?/r', hunks };
  const tree = proposalsTree({ repo: '/r', proposals: [proposal({ files: [file] })] }, new Set([hunkKey('p1', 'model.py', 2)]));
  const rows = all(tree).filter((node) => node.subject.kind === 'hunk');
  assert.deepEqual(
    rows.map((node) => [node.label.split(':', 1)[0], node.context, node.description]),
    [
      ['Line 5', 'hunk.open', '1 added · 1 removed'],
      ['Line 10', 'hunk', '1 added · 1 removed · taken'],
      ['Line 13', 'hunk.skipped', '1 added · 1 removed · skipped'],
      ['Line 21', 'hunk', '1 added · 1 removed · does not fit the text now'],
    ],
  );
});

test('code in a tooltip cannot end its own fence', () => {
  const file = { path: 'm.py', uri: 'file:///r/m.py', proposed: 'x:/p1/m.py', hunks: [hunk({ new: '"""\n```\n[x](command:evil)\n"""\n' })] };
  const rows = all(proposalsTree({ repo: '/r', proposals: [proposal({ files: [file] })] }, new Set()));
  const tooltip = rows.find((node) => node.subject.kind === 'hunk')?.tooltip ?? '';
  assert.match(tooltip, /^````diff\n/m);
  assert.match(tooltip, /\n````$/);
});

test('text of others becomes no link and no markup', () => {
  assert.equal(escape('[x](command:evil) <b>&amp;'), '\\[x\\]\\(command:evil\\) \\<b\\>&amp;amp;');
});

test('a run shows each program below the one it was made from', () => {
  const node = (order: number, parent: number, title: string) => ({ order, parent, title, status: 'measured', objective: figure('.15 [.14, .16]', 0.15), verified: 'no' as const, why: '', proposal: order === 1 ? 'p1' : '', trial: order === 3 ? '' : `t${order}`, byLlm: false });
  const tree = runsTree({ repo: '/r', trials: [], runs: [run({ nodes: [node(0, -1, 'your version'), node(1, 0, 'softmax'), node(2, 1, 'dropout'), node(3, 0, 'heads')] })] });
  const root = labelled(tree, /your version/);
  assert.deepEqual(root.children?.map((child) => child.label), ['.15 [.14, .16] softmax', '.15 [.14, .16] heads']);
  assert.deepEqual(root.children?.[0]?.children?.map((child) => child.label), ['.15 [.14, .16] dropout']);
});

test('a program that was trained is held against the version that the run began with, and against the others', () => {
  const node = (order: number, trial: string, proposal = '') => ({ order, parent: order - 1, title: `n${order}`, status: 'complete', objective: null, verified: 'no' as const, why: '', proposal, trial, byLlm: false });
  const rows = all(runsTree({ repo: '/r', trials: [], runs: [run({ nodes: [node(0, 't0'), node(1, 't1', 'p1'), node(2, '')] })] }));
  const row = (label: string) => rows.find((one) => one.label.endsWith(label));
  const patched = row('n1');
  assert.equal(patched?.open, 'compareBefore');
  assert.equal(patched?.context, 'trial.patch');
  assert.deepEqual(patched?.subject, { kind: 'trial', repo: '/r', id: 't1', before: 't0', others: [{ id: 't0', label: '0  n0', description: 'complete' }], patch: 'p1' });
  assert.equal(row('n0')?.open, undefined, 'there is nothing before it');
  assert.deepEqual([row('n2')?.open, row('n2')?.context], [undefined, undefined], 'it was not trained');
});

test('a run that names a parent which is not there still shows every program', () => {
  const node = (order: number, parent: number) => ({ order, parent, title: `n${order}`, status: 'measured', objective: null, verified: 'no' as const, why: '', proposal: '', trial: '', byLlm: false });
  const rows = all(runsTree({ repo: '/r', trials: [], runs: [run({ nodes: [node(0, -1), node(5, 4)] })] }));
  assert.ok(rows.some((row) => row.label === 'n5'));
});

test('running runs can be stopped, stopped ones resumed, others neither', () => {
  const context = (given: Parameters<typeof run>[0]) => runsTree({ repo: '/r', trials: [], runs: [run(given)] })[0]?.context;
  assert.equal(context({ state: 'running', job: 'j1' }), 'run.running');
  assert.equal(context({ state: 'stopped', resumable: true }), 'run.resumable');
  assert.equal(context({ state: 'done' }), 'run');
});

test('best so far tells first and last value and how many trials', () => {
  assert.equal(bestSoFar([0.12, 0.12, 0.15]), '.120 ▁▁█ .150 after 2 trials');
  assert.equal(bestSoFar([]), '');
  assert.equal(bestSoFar([0.5]), '.500 ▁ .500 after 0 trials');
});

test('the rows of a tree have ids of their own', () => {
  const persona = { user: 7, persona: 'likes jazz', history: ['a'], page: [], words: ['more jazz'] };
  const critique = { id: 'c1', code: 'c', positive: false, message: 'too popular', share: figure('.3 [.2, .4] of users'), quotes: [{ user: 7, persona: 'x', text: 'y' }], backing: ['contradicted by popularity-bias: m'], places: [] };
  const nodes = [
    ...findingsTree(cause(finding({ fixes: ['p1'] }), finding({ id: 'f2' })), [proposal()]),
    ...proposalsTree({ repo: '/r', proposals: [proposal(), proposal({ id: 'p2', verified: 'no' })] }, new Set()),
    ...usersTree({ repo: '/r', trial: 't', groups: [group({ critiques: [critique], personas: [persona] }), group({ kind: 'llm', model: 'm', personas: [persona] })] }),
    ...runsTree({ repo: '/r', trials: [], runs: [run(), run({ id: 'r2' })] }),
  ];
  const ids = all(nodes).map((node) => node.id);
  assert.deepEqual(ids.filter((id, index) => ids.indexOf(id) !== index), []);
});

test('a critique shows what bears on it, and a server that tells nothing of it shows none', () => {
  const critique = { id: 'c1', code: 'c', positive: false, message: 'm', share: figure('.3'), quotes: [], places: [] };
  const rows = (backing?: string[]) => {
    const told = group({ critiques: [backing ? { ...critique, backing } : critique] });
    return all(usersTree({ repo: '/r', trial: 't', groups: [told] })).filter((row) => row.id.includes(':backing:'));
  };
  assert.deepEqual(rows(['contradicted by popularity-bias: x']).map((row) => row.label), ['contradicted by popularity-bias: x']);
  assert.deepEqual(rows(), []);
});

test('a page is a table that titles cannot break', () => {
  const page = [{ rank: 1, title: 'a | b\n# c', align: false, rating: null, reason: '' }];
  const text = personaPage(group(), { user: 7, persona: 'p', history: ['old', 'new'], page, words: [] });
  assert.match(text, /^\| 1 \| a \\\| b \\# c \| no \| nobody rated \|  \|$/m);
  assert.ok(text.indexOf('- new') < text.indexOf('- old'), 'newest first');
});

test('a row whose id another has is left out, wherever it stands', () => {
  const place = { uri: 'file:///r/m.py', path: 'm.py', line: 60, endLine: 60, role: 'loss' };
  const tree = withoutTwins(findingsTree(cause(finding({ places: [place, { ...place, endLine: 61 }] })), []));
  const seen: string[] = [];
  const walk = (rows: readonly Node[]): void => rows.forEach((row) => (seen.push(row.id), walk(row.children ?? [])));
  walk(tree);
  assert.equal(new Set(seen).size, seen.length);
  assert.equal(seen.filter((id) => id.endsWith('m.py:60:loss')).length, 1);
});

test('a patch that was refused says why in its row', () => {
  const [section] = proposalsTree({ repo: '/r', proposals: [proposal({ verified: 'no', whyNot: '2.8x slower (limit 2x)' })] }, new Set());
  assert.equal(section?.children?.[0]?.description, '2.8x slower (limit 2x)');
});

test('a trial is compared with the one before it, or with any other', () => {
  const trial = (id: string) => ({ id, when: 'just now', at: 0, objective: null, status: 'complete', seconds: 3 });
  const rows = runsTree({ repo: '/r', trials: [trial('b'), trial('a')], runs: [] })[0]?.children ?? [];
  assert.deepEqual(rows.map((row) => row.open), ['compareBefore', undefined]);
  const [newest] = rows;
  assert.ok(newest?.subject.kind === 'trial' && newest.subject.before === 'a');
  assert.deepEqual(newest.subject.others.map((other) => other.id), ['a']);
});

test('a row holds its number in what the default side bar and 1024 x 700 show of it, and nothing that its icon says', () => {
  const node = (order: number) => ({ order, parent: order - 1, title: 'A title that is longer than any side bar is wide', status: 'complete', objective: figure('.15, 95 % [.14, .16]', 0.15, '.15 [.14, .16]'), verified: 'gain' as const, why: '', proposal: 'p1', trial: `t${order}`, byLlm: false });
  const critique = { id: 'c1', code: 'overused-popularity', row: '27 % [21, 34] overused popularity', positive: false, message: 'm', share: figure('27 % of users'), quotes: [], places: [] };
  const item = { rank: 1, title: 'a', align: true, rating: null, reason: '' };
  const persona = { user: 7, persona: 'likes jazz', history: [], page: [item], words: [] };
  const trial = { id: 't', when: 'just now', at: 0, objective: figure('.15, 95 % [.14, .16]', 0.15, '.15 [.14, .16]'), status: 'complete', seconds: 3 };
  const trees = [
    findingsTree(cause(finding({ fixes: ['p1'] })), [proposal()]).flatMap((group) => group.children ?? []),
    proposalsTree({ repo: '/r', proposals: [proposal(), proposal({ id: 'p2', verified: 'no' }), proposal({ id: 'p3', state: 'applied' })] }, new Set()),
    usersTree({ repo: '/r', trial: 't', groups: [group({ critiques: [critique], personas: [persona] })] }),
    runsTree({ repo: '/r', trials: [trial], runs: [run({ nodes: [node(0), node(1)] })] }),
  ];
  const measured = trees.flatMap((tree) => all(tree).filter((row) => ['finding', 'proposal', 'critique', 'persona', 'run', 'trial'].includes(row.subject.kind)));
  assert.deepEqual([...new Set(measured.map((row) => row.subject.kind))].sort(), ['critique', 'finding', 'persona', 'proposal', 'run', 'trial']);
  for (const row of measured) {
    assert.match(row.label.slice(0, 28), /^[+−-]?[.\d]/, `${row.label}: the number first`);
    assert.doesNotMatch(`${row.label} ${row.description}`, /verified|complaint|warning|\bapplied\b(?! )/, `${row.label}: its icon says so`);
  }
});
