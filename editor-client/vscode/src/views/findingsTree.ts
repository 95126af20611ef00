/** Findings by their cause: what is wrong with one part of the code stands together. */

import type { Cause, Finding, Findings, Place, Proposal } from '../protocol';
import { count, escape, joined, leaf, type Node, NOTHING, paragraphs } from './node';

export const SEVERITY_ICON = {
  error: { name: 'error', color: 'list.errorForeground' },
  warning: { name: 'warning', color: 'list.warningForeground' },
  information: { name: 'info' },
} as const;

export function findingsTree(found: Findings, proposals: readonly Proposal[]): Node[] {
  const remarks = found.remarks.map((remark, index) => leaf(`remark:${found.repo}:${index}`, remark, 'note', 'to know beside the findings'));
  return [...found.causes.map((cause) => causeNode(found.repo, cause, proposals)), ...remarks];
}

function causeNode(repo: string, cause: Cause, proposals: readonly Proposal[]): Node {
  const current = cause.findings.filter((finding) => !finding.faded).length;
  const faded = cause.findings.length - current;
  const description = joined(current > 0 && count(current, 'finding'), faded > 0 && `${faded} faded`);
  return {
    id: `cause:${repo}:${cause.role}`,
    label: cause.title,
    description,
    icon: { name: cause.role ? 'symbol-method' : 'symbol-namespace' },
    spoken: `${cause.title}: ${description}`,
    subject: NOTHING,
    children: cause.findings.map((finding) => findingNode(repo, finding, proposals)),
    unfolded: current > 0,
  };
}

function findingNode(repo: string, finding: Finding, proposals: readonly Proposal[]): Node {
  const word = finding.faded ? 'faded' : finding.severity;
  const place = finding.places[0];
  const where = place ? `${place.path}:${place.line + 1}` : '';
  const fixes = proposals.filter((proposal) => finding.fixes.includes(proposal.id));
  const children = [
    leaf(`${finding.id}:message`, finding.message, 'comment'),
    leaf(`${finding.id}:figure`, finding.figure, 'pulse', finding.against && `against ${finding.against}`),
    leaf(`${finding.id}:why`, finding.why, 'question'),
    ...finding.places.map((found) => placeNode(finding, found)),
    ...fixes.map((proposal) => fixNode(repo, finding, proposal)),
  ].filter((node) => node.label !== '');
  return {
    id: `finding:${repo}:${finding.id}`,
    label: finding.code,
    description: joined(word, origin(finding), fixes.length > 0 && count(fixes.length, 'fix', 'fixes'), finding.message),
    tooltip: findingTooltip(finding),
    icon: finding.faded ? { name: 'history' } : SEVERITY_ICON[finding.severity],
    spoken: `${word}${origin(finding) ? `, ${origin(finding)}` : ''}: ${finding.code}, ${finding.message.replace(/\.$/, '')}. ${where ? `${where}. ` : ''}${fixes.length > 0 ? `${count(fixes.length, 'measured fix', 'measured fixes')}.` : ''}`.trim(),
    context: finding.probe ? 'finding.probe' : 'finding',
    subject: { kind: 'finding', repo, finding },
    ...(place ? { open: 'reveal' as const } : {}),
    children,
  };
}

function origin(finding: Finding): string {
  if (finding.byLlm) return 'said by an LLM';
  if (finding.source === 'users') return 'said by users';
  return finding.probe ? 'by an evolved probe' : '';
}

function findingTooltip(finding: Finding): string {
  return paragraphs(
    `**${escape(finding.code)}**: ${escape(finding.message)}`,
    escape(finding.why),
    finding.figure && `Value: ${escape(finding.figure)}`,
    finding.against && `Held against: ${escape(finding.against)}`,
    escape(finding.definition),
    origin(finding) && `_${origin(finding)}_`,
    finding.faded && '_The code has changed since this was measured. Train and diagnose to measure it anew._',
  );
}

function placeNode(finding: Finding, place: Place): Node {
  const lines = place.line === place.endLine ? `line ${place.line + 1}` : `lines ${place.line + 1} to ${place.endLine + 1}`;
  return {
    id: `${finding.id}:${place.uri}:${place.line}:${place.role}`,
    label: place.path,
    description: joined(lines, place.role),
    icon: { name: 'go-to-file' },
    subject: { kind: 'place', place },
    open: 'reveal',
  };
}

function fixNode(repo: string, finding: Finding, proposal: Proposal): Node {
  return {
    id: `${finding.id}:fix:${proposal.id}`,
    label: `Fix: ${proposal.title}`,
    description: joined(shortGain(proposal), proposal.byLlm && 'by an LLM', proposal.unfit && 'does not fit the text now'),
    icon: { name: 'lightbulb' },
    context: `proposal.${proposal.state}`,
    subject: { kind: 'proposal', repo, proposal },
    open: 'diff',
  };
}

/** The gain as people read it; never a number without its interval. */
export function gainOf(proposal: Proposal): string {
  return proposal.gain ? proposal.gain.text : 'no gain measured';
}

/** The same in a narrow row: "+20 % [+15, +25]". */
export function shortGain({ gain }: Proposal): string {
  if (!gain) return 'no gain measured';
  if (gain.unit !== '%' || gain.low === null || gain.high === null) return gain.text;
  return `${signed(gain.value)} % [${signed(gain.low)}, ${signed(gain.high)}]`;
}

function signed(value: number): string {
  const digits = value.toFixed(Math.abs(value) < 9.95 ? 1 : 0).replace('-', '−');
  return value >= 0 ? `+${digits}` : digits;
}
