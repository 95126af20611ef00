/** What a tree shows, before it becomes the editor's own items: built by pure functions from the server's answers. */

import type { Figure, Finding, Persona, Place, Proposal, Run, UserGroup } from '../protocol';

/** What a row is about; the commands of its menu get this. */
export type Subject =
  | { kind: 'none' }
  | { kind: 'repo'; repo: string }
  | { kind: 'finding'; repo: string; finding: Finding }
  | { kind: 'place'; place: Place }
  | { kind: 'proposal'; repo: string; proposal: Proposal }
  | { kind: 'file'; repo: string; proposal: Proposal; path: string }
  | { kind: 'hunk'; repo: string; proposal: Proposal; path: string; hunk: number; skipped: boolean }
  | { kind: 'persona'; repo: string; group: UserGroup; persona: Persona }
  | { kind: 'critique'; repo: string; id: string; places: Place[] }
  | { kind: 'run'; repo: string; run: Run }
  /**
   * before: the trial that it is compared with first, "" for none. others: all that it can be compared with. patch: the id of the proposal that made
   * the program, "" for a version of the user's.
   */
  | { kind: 'trial'; repo: string; id: string; before: string; others: { id: string; label: string; description: string }[]; patch: string };

export interface Node {
  /** Stays the same while the thing is the same, so that what is unfolded stays unfolded. */
  id: string;
  label: string;
  description?: string;
  /** Markdown, every text in it escaped. */
  tooltip?: string;
  icon?: { name: string; color?: string };
  /** What a screen reader says; label and description where absent. */
  spoken?: string;
  /** For `when` clauses of menus. */
  context?: string;
  subject: Subject;
  /** On Enter or a click. */
  open?: 'reveal' | 'diff' | 'page' | 'proposal' | 'compareBefore';
  children?: Node[];
  unfolded?: boolean;
}

export const NOTHING: Subject = { kind: 'none' };

/** Text of others, a repo's or an LLM's, as Markdown that shows it and does nothing else. */
export function escape(text: string): string {
  return text
    .replace(/[\\`*_{}[\]()#+\-!|~<>$]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/\r?\n/g, '  \n');
}

export function paragraphs(...parts: (string | false | undefined)[]): string {
  return parts.filter((part): part is string => typeof part === 'string' && part !== '').join('\n\n');
}

export function joined(...parts: (string | false | undefined)[]): string {
  return parts.filter((part): part is string => typeof part === 'string' && part !== '').join(' · ');
}

/** What a message adds to a row's label: without the figure that both begin with. */
export function beside(label: string, message: string): string {
  let end = 0;
  while (end < label.length && label[end] === message[end]) end += 1;
  const both = label.slice(0, end);
  return /\d/.test(both) ? message.slice(both.lastIndexOf(' ') + 1) : message;
}

/** A figure in a narrow row: ".184 [.150, .218]". */
export function inRow(figure: Figure): string {
  return figure.short ?? figure.text;
}

/** 12,345. */
export function thousands(n: number): string {
  return n.toLocaleString('en-US');
}

export function count(n: number, one: string, many = `${one}s`): string {
  return `${thousands(n)} ${n === 1 ? one : many}`;
}

/** The rows without any whose id another has already: VS Code refuses a whole tree for one, as two places that became one line. */
export function withoutTwins(rows: readonly Node[], known: Set<string> = new Set()): Node[] {
  const kept: Node[] = [];
  for (const row of rows) {
    if (known.has(row.id)) continue;
    known.add(row.id);
    kept.push(row.children ? { ...row, children: withoutTwins(row.children, known) } : row);
  }
  return kept;
}

/** A row for each line of plain text. */
export function leaf(id: string, label: string, icon?: string, description?: string): Node {
  return {
    id,
    label,
    subject: NOTHING,
    ...(icon ? { icon: { name: icon } } : {}),
    ...(description ? { description } : {}),
  };
}
