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

test('a chart is never drawn so small that its words are smaller than those of the editor', () => {
  const width = Number(/viewBox="0 0 (\d+)/.exec(curvesHtml(told()))?.[1]);
  const page = curvesPage('n');
  assert.equal(Number(/svg \{[^}]*min-width: (\d+)px/.exec(page)?.[1]), width);
  assert.ok(Number(/text \{[^}]*font-size: (\d+)px/.exec(page)?.[1]) >= 13, "VS Code's own");
  assert.match(page, /figure \{[^}]*overflow-x: auto/);
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
