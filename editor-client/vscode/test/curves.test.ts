import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Curve, Curves } from '../src/protocol';
import { curvesHtml, curvesPage, short } from '../src/ui/curves';

const curve = (given: Partial<Curve> = {}): Curve => ({
  trial: 't1',
  label: 'your version',
  when: 'now',
  best: 2,
  points: [
    { epoch: 1, loss: 0.7, value: 0.1 },
    { epoch: 2, loss: 0.5, value: 0.189 },
    { epoch: 3, loss: 0.4, value: null },
  ],
  ...given,
});
const told = (given: Partial<Curves> = {}): Curves => ({
  repo: '/r',
  metric: 'NDCG@10',
  running: true,
  rule: 'Ends after 60 epochs.',
  words: 'epoch 3/60, loss .400, best epoch by the objective 2 (.189)',
  others: 0,
  curves: [curve()],
  ...given,
});
const pointsOf = (html: string, name: string) => new RegExp(`curve ${name}" points="([^"]*)"`).exec(html)?.[1]?.split(' ') ?? [];

test('both curves are drawn, what is not ranked is left out, and the best epoch is marked', () => {
  const html = curvesHtml(told());
  const [metric, loss] = html.split('<figcaption>loss by epoch');
  assert.equal(pointsOf(metric ?? '', 'c0').length, 2);
  assert.equal(pointsOf(loss ?? '', 'c0').length, 3);
  assert.match(html, /aria-label="NDCG@10 by epoch; best epoch 2, \.189"/);
  assert.match(html, /class="now" role="status">your version: epoch 3\/60, loss \.400, best epoch by the objective 2 \(\.189\)\./);
  assert.match(html, /Ends after 60 epochs\./);
});

test('a chart is as wide as there is room, nothing of it is cut and its words are as large as those of the editor', () => {
  const long = curve({ best: 60, points: Array.from({ length: 60 }, (_, at) => ({ epoch: at + 1, loss: 1 / (at + 1), value: at / 60 })) });
  for (const [room, width] of [[20, 160], [300, 300], [498.4, 498], [2000, 720]] as const) {
    const html = curvesHtml(told({ curves: [long] }), room);
    const widths = [...html.matchAll(/<svg width="(\d+)" height="(\d+)" role/g)].map((found) => Number(found[1]));
    assert.deepEqual(widths, [width, width]);
    const feet = [...html.matchAll(/<text x="([\d.]+)" y="\d+" text-anchor="middle">\d+</g)].map((found) => Number(found[1]));
    const places = pointsOf(html, 'c0').map((point) => Number(point.split(',')[0]));
    assert.ok([...feet, ...places].every((x) => x >= 56 && x <= width - 12), `within ${width}`);
    assert.ok(feet.length > 1 && feet.every((x, at) => at === 0 || x < (feet[at - 1] ?? 0) || x - (feet[at - 1] ?? 0) >= 40), `numbers of epochs apart at ${width}`);
  }
  const page = curvesPage('n');
  assert.ok(Number(/text \{[^}]*font-size: (\d+)px/.exec(page)?.[1]) >= 13, "VS Code's own");
  assert.doesNotMatch(page, /min-width|overflow/);
});

test('a better value stands higher, and a later epoch further right', () => {
  const [first, second] = pointsOf(curvesHtml(told()), 'c0').map((point) => point.split(',').map(Number));
  assert.ok(first && second && (first[0] ?? 0) < (second[0] ?? 0) && (first[1] ?? 0) > (second[1] ?? 0));
});

test('earlier trainings lie below on the same scale, each with a key and a line of its own', () => {
  const earlier = curve({ trial: 't0', when: '3 min ago', best: 1, points: [{ epoch: 1, loss: null, value: 0.3 }] });
  const html = curvesHtml(told({ curves: [curve(), earlier] }));
  assert.ok(html.indexOf('curve c1') < html.indexOf('curve c0'));
  assert.match(html, /your version, 3 min ago, best epoch 1/);
  assert.ok(html.includes('>.300<'), 'the scale knows the earlier value');
});

test('without a training that runs the newest one is told, and without any that there is none', () => {
  assert.match(curvesHtml(told({ running: false, words: '', curves: [curve({ when: '2 min ago' })] })), /your version, 2 min ago: 3 epochs, best epoch 2, NDCG@10 \.189\./);
  assert.match(curvesHtml(told({ curves: [] })), /Nothing has been trained yet/);
  assert.match(curvesHtml(told({ others: 1 })), /1 other training runs beside it/);
});

test('one epoch, equal values and no loss are drawn without a division by nothing', () => {
  const flat = curve({ best: 1, points: [{ epoch: 1, loss: null, value: 0.2 }, { epoch: 2, loss: null, value: 0.2 }] });
  const single = curve({ best: 1, points: [{ epoch: 1, loss: null, value: 0.2 }] });
  for (const one of [flat, single]) {
    const html = curvesHtml(told({ curves: [one] }));
    assert.doesNotMatch(html, /NaN|Infinity/);
    assert.match(html, /No loss is known of these epochs/);
  }
});

test('what a patch is called cannot write into the page, which runs one script of ours', () => {
  const html = curvesHtml(told({ words: '<img src=x>', curves: [curve({ label: '<script>alert(1)</script>' })] }));
  assert.doesNotMatch(html, /<script|<img/);
  const page = curvesPage('abc');
  assert.match(page, /default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-abc'/);
  assert.equal(page.match(/<script/g)?.length, 1);
});

test('figures read as the server writes them', () => {
  assert.deepEqual([0.184, 1.524, 1.5, 12345, 999.7, 0, -0.5, 0.00012, 1e-12, 3e20, 1e9].map(short), ['.184', '1.52', '1.5', '12,345', '1,000', '0', '-.500', '1.2e-04', '1.0e-12', '3.0e+20', '1.0e+09']);
});
