/** Runs of evolution with their lineage, and the trials of the user's own versions. */

import type { Run, RunNode, Runs } from '../protocol';
import { short } from '../ui/curves';
import { count, escape, inRow, joined, leaf, type Node, NOTHING, paragraphs } from './node';

export function runsTree(runs: Runs): Node[] {
  const told = (trial: Runs['trials'][number]) => ({ id: trial.id, label: objectiveOf(trial), description: joined(trial.status, trial.when) });
  const trials: Node[] = runs.trials.map((trial, index) => ({
    ...leaf(`trial:${runs.repo}:${trial.id}`, objectiveOf(trial), trial.objective ? 'beaker' : 'beaker-stop'),
    description: joined(trial.status, trial.when, `${Math.round(trial.seconds)} s`),
    context: 'trial',
    subject: { kind: 'trial', repo: runs.repo, id: trial.id, before: runs.trials[index + 1]?.id ?? '', others: runs.trials.filter((other) => other.id !== trial.id).map(told), patch: '' },
    ...(index + 1 < runs.trials.length ? { open: 'compareBefore' as const } : {}),
  }));
  const tree = runs.runs.map((run, index) => runNode(runs.repo, run, index === 0));
  if (trials.length === 0) return tree;
  const own: Node = {
    id: `trials:${runs.repo}`,
    label: `${count(trials.length, 'trial')} of your versions`,
    icon: { name: 'beaker' },
    subject: NOTHING,
    children: trials,
    unfolded: tree.length === 0,
  };
  return [...tree, own];
}

/** ".184 [.150, .218] objective". */
function objectiveOf({ objective }: { objective: Runs['trials'][number]['objective'] }): string {
  return objective ? `${inRow(objective)} objective` : 'no objective';
}

const STATE_ICON = { running: 'sync~spin', done: 'pass', stopped: 'debug-pause' } as const;

function runNode(repo: string, run: Run, newest: boolean): Node {
  const id = `run:${repo}:${run.id}`;
  const best = run.best ? `best ${run.best.text}` : 'nothing measured yet';
  const curve = bestSoFar(run.bestSoFar);
  return {
    id,
    label: `${run.best ? `${inRow(run.best)} best of ` : ''}${run.strategy}`,
    description: joined(run.when, run.state === 'stopped' && 'stopped', run.cost),
    tooltip: paragraphs(
      `**${escape(run.strategy)}** by ${escape(run.proposer)}${run.model ? ` with the LLM ${escape(run.model)}` : ''}`,
      escape(best),
      escape(run.cost),
      run.resumable && 'It can be resumed: what was measured is kept.',
    ),
    icon: { name: STATE_ICON[run.state] },
    spoken: `Run ${run.strategy}, ${run.state}, ${run.when}: ${best}. ${run.cost}`,
    context: run.job ? 'run.running' : run.resumable ? 'run.resumable' : 'run',
    subject: { kind: 'run', repo, run },
    unfolded: newest,
    children: [
      ...(curve ? [leaf(`${id}:curve`, curve, 'graph-line', 'best so far on the objective, without interval: selection favours luck')] : []),
      leaf(`${id}:cost`, run.cost, 'credit-card', 'cost'),
      leaf(`${id}:by`, joined(run.proposer, run.model && `LLM ${run.model}`), 'tools', 'proposer'),
      ...lineage(repo, run, id),
    ].filter((node) => node.label !== ''),
  };
}

/** Each program below the one it was made from. */
function lineage(repo: string, run: Run, id: string): Node[] {
  const orders = new Set(run.nodes.map((node) => node.order));
  const below = (parent: number): Node[] =>
    run.nodes.filter((node) => node.parent === parent && node.order !== parent).map(row);
  const trained = run.nodes.filter((node) => node.trial !== '');
  const row = (node: RunNode): Node => ({ ...programNode(repo, id, node, trained), children: below(node.order), unfolded: true });
  const roots = run.nodes.filter((node) => node.parent === -1 || !orders.has(node.parent));
  if (roots.length === 0) return [];
  const measured = run.nodes.filter((node) => node.objective).length;
  return [
    {
      id: `${id}:lineage`,
      label: count(run.nodes.length, 'program'),
      description: joined(`${measured} measured`, 'each below the one it was made from'),
      icon: { name: 'type-hierarchy' },
      subject: { kind: 'run', repo, run },
      children: roots.map(row),
      unfolded: true,
    },
  ];
}

/** One that was trained is held against the user's version on a click, and against any other of the run by its menu. */
function programNode(repo: string, id: string, node: RunNode, trained: readonly RunNode[]): Node {
  const [root] = trained;
  const before = root && root.order === 0 && node.order > 0 ? root.trial : '';
  const others = trained
    .filter((other) => other.trial !== node.trial)
    .map((other) => ({ id: other.trial, label: `${other.order}  ${other.title}`, description: other.objective ? inRow(other.objective) : other.status }));
  const verified = node.verified === 'gain' ? 'verified gain' : node.verified === 'fix' ? 'verified fix' : '';
  const objective = node.objective ? node.objective.text : '';
  const label = node.objective ? `${inRow(node.objective)} ${node.title}` : node.title;
  const author = node.byLlm ? 'by an LLM' : '';
  const icon = verified ? 'verified-filled' : node.objective ? 'circle-filled' : 'circle-outline';
  return {
    id: `${id}:${node.order}`,
    label,
    description: joined(`program ${node.order}`, !node.objective && node.status, author),
    tooltip: paragraphs(`**${escape(node.title)}**`, escape(node.why)),
    icon: { name: icon },
    spoken: `Program ${node.order}: ${node.title}. ${joined(objective, verified, node.status, author)}`,
    ...(node.trial
      ? { context: node.proposal ? 'trial.patch' : 'trial', subject: { kind: 'trial', repo, id: node.trial, before, others, patch: node.proposal } as const }
      : { subject: NOTHING }),
    ...(node.trial && before ? { open: 'compareBefore' as const } : {}),
  };
}

const BARS = '▁▂▃▄▅▆▇█';
const SHOWN = 24;

/** First and last value, and the shape between them; "" where nothing was measured. */
export function bestSoFar(values: readonly number[]): string {
  const first = values[0];
  const last = values[values.length - 1];
  if (first === undefined || last === undefined) return '';
  const step = Math.max(1, values.length / SHOWN);
  const shown = Array.from({ length: Math.min(values.length, SHOWN) }, (_, i) => values[Math.floor(i * step)] ?? last);
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  const bars = shown.map((value) => BARS[span > 0 ? Math.round(((value - low) / span) * (BARS.length - 1)) : 0]).join('');
  return `${short(first)} ${bars} ${short(last)} after ${count(values.length - 1, 'trial')}`;
}
