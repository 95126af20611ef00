/** The curves of trainings as SVG, in the colours of the editor's theme. Pure. */

import type { Curve, Curves } from '../protocol';
import { count, thousands } from '../views/node';
import { escapeHtml } from './page';

/** In pixels: a chart is drawn as wide as its page is, so that nothing of it is cut and its words are as large as those around it. */
const NARROWEST = 160;
const WIDEST = 720;
const HEIGHT = 200;
const LEFT = 56;
const RIGHT = 12;
const TOP = 12;
const BOTTOM = 30;
const TICKS = 4;
const FOOT = 44; // from one number of an epoch to the next

interface Point {
  epoch: number;
  value: number;
}

/** The inside of the page: words, a chart of the metric, one of the loss, and what is drawn. room: pixels across. */
export function curvesHtml(told: Curves, room: number = WIDEST): string {
  const [first] = told.curves;
  if (!first) return '<p>Nothing has been trained yet. The curves are drawn here while a training runs.</p>';
  const head = told.running ? `${first.label}: ${told.words}` : ended(first, told.metric);
  const more = told.others > 0 ? ` ${count(told.others, 'other training')} ${told.others === 1 ? 'runs' : 'run'} beside it.` : '';
  const charts = [
    chart(told.curves, told.metric, (point) => point.value, room),
    chart(told.curves, 'loss', (point) => point.loss, room),
  ];
  return [
    `<p class="now" role="status">${escapeHtml(head)}.${more}</p>`,
    told.rule && `<p>${escapeHtml(told.rule)}</p>`,
    ...charts,
    legend(told),
  ]
    .filter(Boolean)
    .join('\n');
}

function ended(curve: Curve, metric: string): string {
  const best = curve.points.find((point) => point.epoch === curve.best)?.value;
  const figure = best === undefined || best === null ? '' : `, ${metric} ${short(best)}`;
  const chosen = curve.best > 0 ? `, best epoch ${thousands(curve.best)}${figure}` : '';
  return `${curve.label}, ${curve.when}: ${count(curve.points.at(-1)?.epoch ?? 0, 'epoch')}${chosen}`;
}

function chart(curves: readonly Curve[], name: string, read: (point: Curve['points'][number]) => number | null, room: number): string {
  const width = Math.round(Math.min(WIDEST, Math.max(NARROWEST, room)));
  const lines = curves.map((curve) => curve.points.flatMap((point) => known(point.epoch, read(point))));
  const all = lines.flat();
  if (all.length === 0) return `<p>No ${escapeHtml(name)} is known of these epochs.</p>`;
  const low = Math.min(...all.map((point) => point.value));
  const high = Math.max(...all.map((point) => point.value));
  const last = Math.max(2, ...all.map((point) => point.epoch));
  const x = (epoch: number) => round(LEFT + ((width - LEFT - RIGHT) * (epoch - 1)) / (last - 1));
  const y = (value: number) => round(high > low ? TOP + ((HEIGHT - TOP - BOTTOM) * (high - value)) / (high - low) : HEIGHT / 2);
  const levels = high > low ? Array.from({ length: TICKS }, (_, at) => low + ((high - low) * at) / (TICKS - 1)) : [low];
  const grid = levels.map(
    (level) =>
      `<line class="grid" x1="${LEFT}" x2="${width - RIGHT}" y1="${y(level)}" y2="${y(level)}"/><text x="${LEFT - 6}" y="${y(level) + 4}" text-anchor="end">${short(level)}</text>`,
  );
  const every = Math.max(1, Math.ceil((last * FOOT) / (width - LEFT - RIGHT)));
  const epochs = Array.from({ length: Math.floor((last - 1) / every) + 1 }, (_, at) => 1 + at * every);
  const feet = epochs.map((epoch) => `<text x="${x(epoch)}" y="${HEIGHT - 8}" text-anchor="middle">${thousands(epoch)}</text>`);
  const drawn = lines
    .map((points, at) => `<polyline class="curve c${at}" points="${points.map((point) => `${x(point.epoch)},${y(point.value)}`).join(' ')}"/>`)
    .reverse(); // what it is about lies on top
  const best = curves[0]?.best ?? 0;
  const at = lines[0]?.find((point) => point.epoch === best);
  const mark = at ? `<line class="best" x1="${x(best)}" x2="${x(best)}" y1="${TOP}" y2="${HEIGHT - BOTTOM}"/><circle class="dot" cx="${x(best)}" cy="${y(at.value)}" r="4"/>` : '';
  const label = `${name} by epoch${at ? `; best epoch ${thousands(best)}, ${short(at.value)}` : ''}`;
  return `<figure><figcaption>${escapeHtml(name)} by epoch</figcaption><svg width="${width}" height="${HEIGHT}" role="img" aria-label="${escapeHtml(label)}">${[...grid, ...feet, mark, ...drawn].join('')}</svg></figure>`;
}

function known(epoch: number, value: number | null): Point[] {
  return value === null ? [] : [{ epoch, value }];
}

function legend(told: Curves): string {
  const rows = told.curves.map(
    (curve, at) =>
      `<li><svg class="key" viewBox="0 0 28 8" aria-hidden="true"><line class="curve c${at}" x1="0" x2="28" y1="4" y2="4"/></svg> ${escapeHtml(curve.label)}, ${escapeHtml(curve.when)}${curve.best > 0 ? `, best epoch ${thousands(curve.best)}` : ''}</li>`,
  );
  return `<ul>${rows.join('')}</ul><p class="note">The upright line is the best epoch, chosen by the objective. Figures of single epochs have no interval.</p>`;
}

/** Three digits, as the server writes them: .184, 1.5, 12,345, 1.2e-04; nothing is 0. */
export function short(value: number): string {
  if (!value) return '0';
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 0.001)) return value.toExponential(1).replace(/e([+-])(\d)$/, (_, sign, digit) => `e${sign}0${digit}`);
  if (size >= 999.5) return Math.round(value).toLocaleString('en-US');
  return (size < 1 ? value.toFixed(3) : String(Number(value.toPrecision(3)))).replace(/^(-?)0\./, '$1.');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

const STYLE = `
body { color: var(--vscode-foreground); font-family: var(--vscode-font-family); font-size: var(--vscode-font-size); max-width: 60rem; }
h1 { font-size: 1.3em; margin: .6rem 0; } .now { font-weight: 600; }
figure { margin: 1rem 0; } figcaption { margin-bottom: .25rem; }
svg { display: block; } svg.key { display: inline; width: 28px; height: 8px; }
text { fill: var(--vscode-foreground); font-size: 13px; }
.grid { stroke: var(--vscode-charts-lines, var(--vscode-foreground)); stroke-opacity: .25; }
.curve { fill: none; stroke-width: 2; }
.c0 { stroke: var(--vscode-charts-blue, currentColor); stroke-width: 3; }
.c1 { stroke: var(--vscode-charts-orange, currentColor); stroke-dasharray: 8 4; }
.c2 { stroke: var(--vscode-charts-green, currentColor); stroke-dasharray: 2 3; }
.c3 { stroke: var(--vscode-charts-purple, currentColor); stroke-dasharray: 10 3 2 3; }
.c4 { stroke: var(--vscode-charts-red, currentColor); stroke-dasharray: 1 4; }
.best { stroke: var(--vscode-charts-blue, currentColor); stroke-opacity: .5; stroke-dasharray: 4 4; }
.dot { fill: var(--vscode-charts-blue, currentColor); }
ul { list-style: none; padding: 0; } .note { opacity: .8; }
`;

/** The page around it. Its one script says how wide it is, at first and when that changes, and puts in what is sent; nothing is fetched. */
export function curvesPage(nonce: string): string {
  const policy = `default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-${nonce}'; base-uri 'none'; form-action 'none'`;
  const script = "const api = acquireVsCodeApi(); const told = document.getElementById('told'); window.addEventListener('message', ({ data }) => { told.innerHTML = data.html; }); let width = -1; new ResizeObserver(() => { if (told.clientWidth !== width) api.postMessage({ width: (width = told.clientWidth) }); }).observe(told);";
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}"><title>Training curves</title><style>${STYLE}</style></head><body><h1>Training curves</h1><div id="told"></div><script nonce="${nonce}">${script}</script></body></html>`;
}
