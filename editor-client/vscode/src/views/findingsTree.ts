/** The verdict, and findings by their cause: what a cause explains stands below it. */

import type { Cause, Finding, Findings, Place, Proposal, Standing, Verdict } from '../protocol';
import { beside, count, escape, joined, leaf, type Node, NOTHING, paragraphs } from './node';

export const SEVERITY_ICON = {
  error: { name: 'error', color: 'list.errorForeground' },
  warning: { name: 'warning', color: 'list.warningForeground' },
  information: { name: 'info' },
} as const;

/** standing: told above all else where nothing can run, or where it was looked and nothing was found, not even advice. */
export function findingsTree(found: Findings, proposals: readonly Proposal[], standing?: Standing): Node[] {
  const speaks = standing && standing.stage in STAGE_ICON && !(standing.stage === 'clean' && found.causes.length > 0);
  const stage = standing && speaks ? [stageNode(found.repo, standing)] : [];
  const remarks = found.remarks.map((remark, index) => leaf(`remark:${found.repo}:${index}`, remark, 'note', 'to know beside the findings'));
  const verdict = found.verdict ? [verdictNode(found.repo, found.verdict)] : [];
  return [...stage, ...verdict, ...found.causes.map((cause) => causeNode(found.repo, cause, proposals)), ...remarks];
}

const STAGE_ICON: Partial<Record<Standing['stage'], { name: string; color?: string }>> = {
  config: SEVERITY_ICON.error,
  failed: SEVERITY_ICON.error,
  clean: { name: 'pass', color: 'testing.iconPassed' },
};

function stageNode(repo: string, standing: Standing): Node {
  const { uri, line, words, stage } = standing;
  const place = { uri, path: uri, line, endLine: line, role: '' };
  return {
    id: `standing:${repo}`,
    label: words,
    tooltip: escape(words),
    icon: STAGE_ICON[stage] ?? { name: 'circle-outline' },
    subject: uri ? { kind: 'place', place } : NOTHING,
    ...(uri ? { open: 'reveal' as const } : {}),
  };
}

function verdictNode(repo: string, verdict: Verdict): Node {
  const id = `verdict:${repo}`;
  const lists = [
    ['healthy', verdict.healthy],
    ['not healthy', verdict.unhealthy],
    ['could not tell', verdict.unknown],
  ] as const;
  const checks: Node = {
    ...leaf(`${id}:checks`, verdict.checks, 'checklist'),
    children: lists
      .filter(([, codes]) => codes.length > 0)
      .map(([words, codes]) => ({
        ...leaf(`${id}:${words}`, `${codes.length} ${words}`, 'list-unordered'),
        children: codes.map((code) => leaf(`${id}:${words}:${code}`, code, 'dash')),
      })),
  };
  const icon = { broken: 'error', 'needs improvement': 'warning', 'not converged': 'info', healthy: 'pass' }[verdict.status];
  return {
    id,
    label: verdict.status,
    description: verdict.checks,
    icon: { name: icon },
    spoken: `verdict: ${verdict.status}. ${verdict.lines.join('. ')}`,
    subject: NOTHING,
    children: [...verdict.lines.map((line, index) => leaf(`${id}:${index}`, line, 'arrow-right')), checks],
  };
}

function causeNode(repo: string, cause: Cause, proposals: readonly Proposal[]): Node {
  const standing = cause.findings.filter((finding) => !finding.faded);
  const faded = cause.findings.length - standing.length;
  // Counted as lens, status bar and terminal count: what costs no accuracy is a remark.
  const remarks = standing.filter((finding) => finding.severity === 'information').length;
  const current = standing.length - remarks;
  const heads = cause.findings.filter((finding) => !cause.findings.some((other) => finding.explained_by.includes(other.id)));
  const description = joined(current > 0 && count(current, 'finding'), remarks > 0 && count(remarks, 'remark'), faded > 0 && `${faded} faded`);
  return {
    id: `cause:${repo}:${cause.id}`,
    label: cause.title,
    description,
    icon: { name: cause.role ? 'symbol-method' : 'symbol-namespace' },
    spoken: `${cause.title}: ${description}`,
    subject: NOTHING,
    children: heads.map((finding) => findingNode(repo, finding, proposals, cause.findings)),
    unfolded: standing.length > 0,
  };
}

/** With the findings of its group that it explains below it. */
function findingNode(repo: string, finding: Finding, proposals: readonly Proposal[], group: readonly Finding[], above: readonly string[] = []): Node {
  const word = finding.faded ? 'faded' : finding.severity;
  const place = finding.places[0];
  const where = place ? `${place.path}:${place.line + 1}` : '';
  const fixes = proposals.filter((proposal) => finding.fixes.includes(proposal.id));
  const passed = [...above, finding.id];
  const label = finding.row ?? finding.code;
  const below = group.filter((other) => !passed.includes(other.id) && group.find((one) => other.explained_by.includes(one.id)) === finding);
  const children = [
    leaf(`${finding.id}:message`, finding.message, 'comment'),
    leaf(`${finding.id}:figure`, finding.figure, 'pulse', finding.against && `against ${finding.against}`),
    leaf(`${finding.id}:why`, finding.why, 'question'),
    leaf(`${finding.id}:blame`, finding.blame, 'references'),
    ...finding.places.map((found) => placeNode(finding, found)),
    ...fixes.map((proposal) => fixNode(repo, finding, proposal)),
    ...below.map((other) => findingNode(repo, other, proposals, group, passed)),
  ].filter((node) => node.label !== '');
  return {
    id: `finding:${repo}:${finding.id}`,
    label,
    description: joined(finding.faded && 'faded', finding.message !== label && beside(label, finding.message), (finding.byLlm || finding.source !== 'users') && origin(finding), fixes.length > 0 && count(fixes.length, 'fix', 'fixes')),
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
    escape(finding.blame),
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
    label: patchLabel(proposal),
    description: joined(gainBeside(proposal), proposal.byLlm && 'by an LLM', proposal.unfit && 'does not fit the text now'),
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

/** A patch in a narrow row, its gain first: "+20 % [+15, +25] full softmax loss". */
export function patchLabel(proposal: Proposal): string {
  return proposal.row ?? proposal.title;
}

/** Of the tab of its diff, where only the first words are seen: "+20 % [+15, +25] Full softmax loss in model.py". */
export function diffTitle({ gain, title }: Proposal, file = ''): string {
  return [gain?.short, title, file && `in ${file}`].filter(Boolean).join(' ');
}

/** What a row's label lacks of the gain: all of it where a server tells no rows, or that there is none. */
export function gainBeside({ gain, row }: Proposal): string {
  if (!gain) return 'no gain measured';
  return row?.includes(' [') ? '' : gain.text;
}
