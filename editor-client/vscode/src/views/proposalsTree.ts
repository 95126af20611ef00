/** Patches: the verified ones first, what they changed, and their parts for taking one by one. */

import type { Hunk, Proposal, Proposals } from '../protocol';
import { gainBeside, gainOf, patchLabel } from './findingsTree';
import { count, escape, joined, leaf, type Node, NOTHING, paragraphs } from './node';

/** Which hunks the user has put aside, as `proposal:path:index`. */
export type Skipped = ReadonlySet<string>;

export function hunkKey(proposal: string, path: string, hunk: number): string {
  return `${proposal}:${path}:${hunk}`;
}

export function proposalsTree(found: Proposals, skipped: Skipped): Node[] {
  const open = found.proposals.filter((proposal) => proposal.state === 'open' && proposal.verified !== 'no');
  const applied = found.proposals.filter((proposal) => proposal.state === 'applied');
  const promising = found.proposals.filter((proposal) => proposal.state === 'open' && proposal.verified === 'no' && proposal.promising);
  const tried = found.proposals.filter((proposal) => proposal.state === 'open' && proposal.verified === 'no' && !proposal.promising);
  const rows = (proposals: Proposal[]) => proposals.map((proposal) => proposalNode(found.repo, proposal, skipped));
  return [
    ...rows(open),
    ...section(`promising:${found.repo}`, 'promising, further seeds decide', 'history', rows(promising), true),
    ...section(`applied:${found.repo}`, 'applied', 'check-all', rows(applied), true),
    ...section(`tried:${found.repo}`, 'tried, not verified', 'circle-slash', rows(tried), open.length + promising.length === 0),
  ];
}

function section(id: string, label: string, icon: string, children: Node[], unfolded: boolean): Node[] {
  if (children.length === 0) return [];
  return [{ id, label: `${children.length} ${label}`, icon: { name: icon }, subject: NOTHING, children, unfolded }];
}

const VERIFIED = { gain: 'verified gain', fix: 'verified fix', no: 'not verified' } as const;
const ICON = {
  gain: { name: 'verified-filled', color: 'testing.iconPassed' },
  fix: { name: 'tools', color: 'testing.iconPassed' },
  no: { name: 'circle-slash' },
} as const;

function proposalNode(repo: string, proposal: Proposal, skipped: Skipped): Node {
  const word = proposal.state === 'applied' ? 'applied' : VERIFIED[proposal.verified];
  const author = proposal.byLlm ? 'by an LLM' : '';
  const unfit = proposal.unfit ? 'does not fit the text now' : '';
  return {
    id: `proposal:${repo}:${proposal.id}`,
    label: patchLabel(proposal),
    description: joined(gainBeside(proposal), proposal.state === 'open' && proposal.verified === 'no' && proposal.whyNot, author, unfit),
    tooltip: tooltip(proposal),
    icon: proposal.state === 'applied' ? { name: 'check' } : ICON[proposal.verified],
    spoken: `${word}: ${proposal.title}, ${gainOf(proposal)}${author ? `, ${author}` : ''}${unfit ? `, ${unfit}` : ''}`,
    context: proposal.unfit ? 'proposal.unfit' : `proposal.${proposal.state}`,
    subject: { kind: 'proposal', repo, proposal },
    open: 'diff',
    children: [...about(proposal), ...files(repo, proposal, skipped)],
  };
}

function about(proposal: Proposal): Node[] {
  const id = proposal.id;
  const lines = [
    { ...leaf(`${id}:gain`, gainOf(proposal), 'pulse', howMeasured(proposal)), tooltip: paragraphs(escape(gainOf(proposal)), escape(proposal.compared ?? '')) },
    proposal.unfit && leaf(`${id}:unfit`, proposal.unfit, 'warning'),
    proposal.whyNot && leaf(`${id}:why`, proposal.whyNot, 'info', 'why it is not verified'),
    proposal.addresses.length > 0 &&
      leaf(`${id}:addresses`, `Fixes: ${proposal.addresses.map((finding) => finding.code).join(', ')}`, 'target'),
    proposal.fixed.length > 0 && leaf(`${id}:fixed`, `Now healthy: ${proposal.fixed.join(', ')}`, 'pass'),
    proposal.restsOn.length > 0 && leaf(`${id}:rests`, `Source: ${proposal.restsOn.join('; ')}`, 'book'),
    proposal.metrics.length > 0 && {
      ...leaf(`${id}:metrics`, 'Metrics', 'graph'),
      children: proposal.metrics.map((metric) =>
        leaf(`${id}:metric:${metric.name}`, `${metric.before} → ${metric.after} ${metric.name}`, 'dash', metric.change),
      ),
    },
  ];
  return lines.filter((node): node is Node => Boolean(node));
}

/** "2 seeds, equal steps". */
function howMeasured({ seeds, terms }: Proposal): string {
  return joined(count(seeds, 'seed'), terms);
}

/** What a diff says of itself where the mouse is over the proposed text. */
export function measuredWords(proposal: Proposal): string {
  return paragraphs(`**${escape(proposal.title)}**: ${escape(gainOf(proposal))}, ${escape(howMeasured(proposal))}`, escape(proposal.compared ?? ''));
}

function files(repo: string, proposal: Proposal, skipped: Skipped): Node[] {
  return proposal.files.map((file) => {
    const taken = file.hunks.filter((hunk) => hunk.taken).length;
    return {
      id: `file:${repo}:${proposal.id}:${file.path}`,
      label: file.path,
      description: joined(count(file.hunks.length, 'change'), taken > 0 && `${taken} taken`),
      icon: { name: 'file-code' },
      context: 'file',
      subject: { kind: 'file', repo, proposal, path: file.path },
      open: 'diff',
      children: file.hunks.map((hunk, index) =>
        hunkNode(repo, proposal, file.path, hunk, index, skipped.has(hunkKey(proposal.id, file.path, index))),
      ),
      unfolded: true,
    };
  });
}

function hunkNode(repo: string, proposal: Proposal, path: string, hunk: Hunk, index: number, skipped: boolean): Node {
  const state = hunk.taken ? 'taken' : hunk.unfit ? 'does not fit' : skipped ? 'skipped' : 'open';
  const words = { taken: 'taken', 'does not fit': 'does not fit the text now', skipped: 'skipped', open: '' }[state];
  const icon = { taken: 'check', 'does not fit': 'warning', skipped: 'debug-step-over', open: 'diff' }[state];
  const size = changeSize(hunk);
  return {
    id: `hunk:${repo}:${hunkKey(proposal.id, path, index)}`,
    label: `Line ${hunk.startLine + 1}: ${firstLine(hunk)}`,
    description: joined(size, words),
    tooltip: paragraphs(escape(hunk.unfit), codeBlock(hunk)),
    icon: { name: icon },
    spoken: `Change ${index + 1} of ${path} at line ${hunk.startLine + 1}, ${size}${words ? `, ${words}` : ''}: ${firstLine(hunk)}`,
    context: state === 'open' ? 'hunk.open' : state === 'skipped' ? 'hunk.skipped' : 'hunk',
    subject: { kind: 'hunk', repo, proposal, path, hunk: index, skipped },
    open: 'diff',
  };
}

function changeSize(hunk: Hunk): string {
  const added = lineCount(hunk.new);
  const removed = lineCount(hunk.old);
  return joined(added > 0 && `${added} added`, removed > 0 && `${removed} removed`);
}

function lineCount(text: string): number {
  return text === '' ? 0 : text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
}

function firstLine(hunk: Hunk): string {
  const text = hunk.new || hunk.old;
  return text.split('\n').map((line) => line.trim()).find((line) => line !== '') ?? '(blank lines)';
}

/** A fence longer than any in the code, so that the code cannot end it. */
function codeBlock(hunk: Hunk): string {
  const lines = (text: string, sign: string) =>
    text === '' ? [] : text.replace(/\n$/, '').split('\n').map((line) => sign + line);
  const body = [...lines(hunk.old, '-'), ...lines(hunk.new, '+')].join('\n');
  const longest = Math.max(2, ...[...body.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}diff\n${body}\n${fence}`;
}

function tooltip(proposal: Proposal): string {
  return paragraphs(
    `**${escape(proposal.title)}**`,
    escape(proposal.rationale),
    `Gain of the objective: ${escape(gainOf(proposal))}, ${escape(howMeasured(proposal))}`,
    proposal.whyNot && `Not verified: ${escape(proposal.whyNot)}`,
    proposal.byLlm ? `_Written by an LLM (${escape(proposal.proposer)})_` : `_By ${escape(proposal.proposer)}_`,
  );
}
