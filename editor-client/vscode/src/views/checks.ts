/** The checks of a diagnosis as a list of what is healthy and what is not. Pure. */

import type { Finding, Findings, RepoState } from '../protocol';

export interface Check {
  code: string;
  /** "skipped": it could not tell, or what it found was accepted or dismissed, so that no finding is shown. */
  state: 'passed' | 'failed' | 'skipped';
  /** What is wrong, and where; of one that failed. */
  finding: Finding | undefined;
}

/** Those that found something first, each group by its name. */
export function checksOf(found: Findings): Check[] {
  const { verdict } = found;
  if (!verdict) return [];
  const findings = found.causes.flatMap((cause) => cause.findings);
  const list = (codes: readonly string[], state: Check['state']): Check[] =>
    [...codes].sort().map((code) => ({ code, state, finding: state === 'failed' ? findings.find((one) => one.code === code) : undefined }));
  const shown = verdict.unhealthy.filter((code) => findings.some((one) => one.code === code));
  const hidden = verdict.unhealthy.filter((code) => !shown.includes(code));
  return [...list(shown, 'failed'), ...list([...hidden, ...verdict.unknown], 'skipped'), ...list(verdict.healthy, 'passed')];
}

/** "" where a diagnosis has measured the checks; else why it has not, "cancelled" where somebody has stopped it. */
export function endOf(job: string, state: RepoState | undefined): string {
  if (!state) return 'The server is gone.';
  const { ended, standing } = state;
  if (ended?.job === job && ended.state === 'cancelled') return 'cancelled';
  if (standing.stage === 'failed' || standing.stage === 'config') return standing.words;
  return ended?.job === job && ended.state !== 'done' ? 'The diagnosis failed.' : '';
}

/** What a failed check says: plain lines, the place last. */
export function wordsOf({ code, finding }: Check): string[] {
  if (!finding) return [`${code} is not healthy.`];
  const [place] = finding.places;
  return [finding.message, finding.why, finding.figure && `Value: ${finding.figure}`, finding.against && `Held against: ${finding.against}`, place && `${place.path}:${place.line + 1}`].filter(
    (line): line is string => Boolean(line),
  );
}
