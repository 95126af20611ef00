/** Which programs may be the server, best first, before any was tried. Knows nothing of the editor. */

import * as path from 'node:path';

/** A program to try: an `evolverec` executable, or a Python that may hold evolverec. */
export interface Candidate {
  program: string;
  kind: 'executable' | 'python';
  /** Where the name came from, as people read it. */
  from: string;
  /** The user named it: where it does not serve, that is said rather than the next one tried. */
  named: boolean;
}

export interface Sources {
  /** Setting `evolverec.path`. */
  path: string;
  /** Setting `evolverec.interpreter`. */
  interpreter: string;
  /** What the Python extension has selected, "" where there is none. */
  pythonExtension: string;
  /** The Python of the environment that this extension made, "" where it made none. */
  ownEnvironment: string;
  /** Full paths of `evolverec` and of Pythons on PATH. */
  onPath: { evolverec: string; pythons: string[] };
}

export function candidates(sources: Sources): Candidate[] {
  if (sources.path) {
    return [{ program: sources.path, kind: kindOf(sources.path), from: 'setting evolverec.path', named: true }];
  }
  const found: Candidate[] = [];
  const add = (program: string, kind: Candidate['kind'], from: string) => {
    if (program && !found.some((other) => other.program === program)) found.push({ program, kind, from, named: false });
  };
  add(sources.interpreter, 'python', 'setting evolverec.interpreter');
  add(sources.pythonExtension, 'python', 'the Python extension');
  add(sources.onPath.evolverec, 'executable', 'PATH');
  for (const python of sources.onPath.pythons) add(python, 'python', 'PATH');
  add(sources.ownEnvironment, 'python', 'the environment made by this extension');
  return found;
}

/** A Python by its name: python, python3, python3.12, pypy3, with .exe on Windows. */
function kindOf(program: string): Candidate['kind'] {
  const name = path.basename(program.replace(/\\/g, '/')).toLowerCase();
  return /^(python|pypy)[0-9.]*(\.exe)?$/.test(name) ? 'python' : 'executable';
}

/** How to start the server with a candidate that serves. */
export function serverCommand(candidate: Candidate, extra: readonly string[]): { command: string; args: string[] } {
  // -E: a PYTHONPATH meant for the user's repo must not reach the server.
  const before = candidate.kind === 'python' ? ['-E', '-m', 'evolverec_entry'] : [];
  return { command: candidate.program, args: [...before, 'lsp', ...extra] };
}
