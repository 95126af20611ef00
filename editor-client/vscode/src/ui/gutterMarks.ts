/** Which lines have which mark. Pure. */

import type { Gutter } from '../protocol';

export const KINDS = ['error', 'warning', 'information', 'faded'] as const;
export type Kind = (typeof KINDS)[number];

export interface Mark {
  line: number;
  endLine: number;
  /** Plain text. */
  words: string;
}

const CHANGES = {
  changed: 'Changed since the last training, so its figures are of another version.',
  added: 'Added since the last training.',
  removed: 'Next to this line, lines were removed since the last training.',
};

export function findingMarks(told: Gutter): Record<Kind, Mark[]> {
  const found: Record<Kind, Mark[]> = { error: [], warning: [], information: [], faded: [] };
  for (const { line, severity, words } of told.marks) found[severity || 'faded'].push({ line, endLine: line, words: words.join('\n') });
  return found;
}

export function changeMarks(told: Gutter): Mark[] {
  return told.changed.map(({ line, endLine, kind }) => ({ line, endLine, words: CHANGES[kind] }));
}
