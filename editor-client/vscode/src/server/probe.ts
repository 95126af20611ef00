/** Trying candidates: does this program run, and does it hold evolverec? Knows nothing of the editor. */

import { execFile } from 'node:child_process';
import { access, constants } from 'node:fs/promises';
import * as path from 'node:path';

import type { Candidate } from './candidates';

const PROBE_TIMEOUT_MS = 20_000;
export const OLDEST_PYTHON = [3, 11] as const;
const PROBE = `
import importlib.util as util, json, sys
has = lambda name: util.find_spec(name) is not None
print(json.dumps({"version": sys.version_info[:2], "executable": sys.executable,
                  "evolverec": has("evolverec_entry"), "numpy": has("numpy"), "torch": has("torch")}))
`;

export interface PythonFacts {
  version: [number, number];
  executable: string;
  evolverec: boolean;
  numpy: boolean;
  torch: boolean;
}

export interface Serving {
  candidate: Candidate;
  version: string;
}

/** What a Python holds, without importing any of it; undefined where it does not run. */
export async function pythonFacts(program: string, cwd: string): Promise<PythonFacts | undefined> {
  try {
    return JSON.parse(await output(program, ['-E', '-c', PROBE], cwd)) as PythonFacts;
  } catch {
    return undefined;
  }
}

/** The first candidate that serves, or why none does: one sentence for each that was tried. */
export async function firstServing(
  list: readonly Candidate[],
  cwd: string,
): Promise<{ serving: Serving } | { reasons: string[] }> {
  const reasons: string[] = [];
  for (const candidate of list) {
    const reason = await problem(candidate, cwd);
    if (reason === '') return { serving: { candidate, version: await versionOf(candidate, cwd) } };
    reasons.push(`${candidate.program} (${candidate.from}): ${reason}`);
  }
  return { reasons };
}

/** "" where the candidate serves. */
async function problem(candidate: Candidate, cwd: string): Promise<string> {
  if (candidate.kind === 'executable') {
    try {
      await output(candidate.program, ['--help'], cwd);
      return '';
    } catch (error) {
      return `does not run: ${firstLine(error)}`;
    }
  }
  const facts = await pythonFacts(candidate.program, cwd);
  if (!facts) return 'is no Python that runs';
  const [major, minor] = facts.version;
  if (major < OLDEST_PYTHON[0] || (major === OLDEST_PYTHON[0] && minor < OLDEST_PYTHON[1])) {
    return `Python ${major}.${minor}; evolverec needs ${OLDEST_PYTHON.join('.')} or later`;
  }
  return facts.evolverec ? '' : `Python ${major}.${minor} without evolverec`;
}

async function versionOf(candidate: Candidate, cwd: string): Promise<string> {
  const args = candidate.kind === 'python' ? ['-E', '-m', 'evolverec_entry', '--version'] : ['--version'];
  try {
    return (await output(candidate.program, args, cwd)).trim();
  } catch {
    return '';
  }
}

/** Full paths of the programs with these names on PATH, in order of the names. */
export async function onPath(names: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string[]> {
  const folders = (env['PATH'] ?? env['Path'] ?? '').split(path.delimiter).filter((folder) => path.isAbsolute(folder));
  const suffixes = process.platform === 'win32' ? ['.exe', '.cmd', '.bat'] : [''];
  const found: string[] = [];
  for (const name of names) {
    const files = folders.flatMap((folder) => suffixes.map((suffix) => path.join(folder, name + suffix)));
    for (const file of files) {
      if (await runnable(file)) {
        found.push(file);
        break;
      }
    }
  }
  return found;
}

async function runnable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function output(program: string, args: string[], cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd, timeout: PROBE_TIMEOUT_MS, windowsHide: true, maxBuffer: 1 << 20 };
    const child = execFile(program, args, options, (error, stdout) => (error ? reject(error) : resolve(stdout)));
    child.stdin?.end();
  });
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n', 1)[0] ?? '';
}
