/** What is read out of an evolverec.toml and out of the answer of a set-up. Pure. */

import type { Initialised } from '../protocol';

/** What is said after a set-up; whether the user should name a log; whether the adapter has gaps. */
export function afterSetUp(made: Initialised): { text: string; needsLog: boolean; hasGaps: boolean } {
  const gaps = made.missing.filter((one) => one.path === made.adapter);
  const needsLog = made.missing.some((one) => one.path === 'evolverec.toml');
  const wrote = made.written.length > 0 ? `Wrote ${made.written.join(', ')}; nothing of this folder was run.` : 'The files are as they were drafted.';
  const open = gaps.map((one) => ` Fill in line ${one.line} of ${one.path}.`).join('');
  return { text: `${wrote}${open}${needsLog ? ' No log of yours was found: a built-in shop stands in its place.' : ''}`, needsLog, hasGaps: gaps.length > 0 };
}

/** Of suffixes such as ".inter.gz" what a file dialog asks for: the last parts, each once. */
export function extensionsOf(suffixes: readonly string[]): string[] {
  return [...new Set(suffixes.map((suffix) => suffix.slice(suffix.lastIndexOf('.') + 1)))];
}

/** File, relative to the repo, and function of the entry that a config names; undefined where it names none. */
export function entryOf(config: string): { file: string; name: string } | undefined {
  const [, module, name] = /^\s*entry\s*=\s*["']([\w.]+):(\w+)["']/m.exec(config) ?? [];
  return module && name ? { file: `${module.replaceAll('.', '/')}.py`, name } : undefined;
}

/** The line of a function at the top of a file, from 0; 0 where it is not there. */
export function lineOf(text: string, name: string): number {
  return Math.max(0, text.split('\n').findIndex((line) => line.startsWith(`def ${name}(`)));
}

/** What data.source says of a file: relative to the repo where it lies inside, for a string in double quotes. */
export function sourceOf(folder: string, file: string, path: { relative(from: string, to: string): string; isAbsolute(path: string): boolean }): string {
  const relative = path.relative(folder, file).replaceAll('\\', '/');
  const inside = relative !== '' && !relative.startsWith('../') && relative !== '..' && !path.isAbsolute(relative);
  return (inside ? relative : file.replaceAll('\\', '/')).replaceAll('"', '\\"');
}
