/** Where the hunks of a patch stand in the proposed text. Pure. */

import type { Hunk } from '../protocol';

export interface Lines {
  start: number;
  /** The first line after; equal to start where the hunk only removes. */
  end: number;
}

/**
 * Lines of each hunk in the proposed text, which has every hunk that fits. Hunks are in the order of their lines;
 * one that was taken stands in both texts already.
 */
export function proposedLines(hunks: readonly Hunk[]): Lines[] {
  const order = hunks.map((_, index) => index).sort((a, b) => (hunks[a]?.startLine ?? 0) - (hunks[b]?.startLine ?? 0));
  const found: Lines[] = hunks.map(() => ({ start: 0, end: 0 }));
  let shift = 0;
  for (const index of order) {
    const hunk = hunks[index];
    if (!hunk) continue;
    const start = hunk.startLine + shift;
    if (hunk.taken || hunk.unfit) {
      found[index] = { start, end: hunk.endLine + shift };
      continue;
    }
    const added = hunk.new === '' ? 0 : hunk.new.split('\n').length - (hunk.new.endsWith('\n') ? 1 : 0);
    found[index] = { start, end: start + added };
    shift += added - (hunk.endLine - hunk.startLine);
  }
  return found;
}

/** The hunk at a line of the proposed text, else the nearest; -1 where there is none. */
export function hunkAt(hunks: readonly Hunk[], line: number): number {
  let best = -1;
  let nearest = Infinity;
  proposedLines(hunks).forEach(({ start, end }, index) => {
    const distance = line < start ? start - line : line >= end ? line - Math.max(start, end - 1) : 0;
    if (distance < nearest) [best, nearest] = [index, distance];
  });
  return best;
}

/** "Full softmax loss" as a name that git takes: "full-softmax-loss". */
export function branchName(title: string): string {
  const words = title.toLowerCase().match(/[a-z0-9]+/g) ?? [];
  return words.slice(0, 6).join('-') || 'patch';
}
