/** Which buttons a result or an error has, and what each does. Pure. */

import type { Mend, Told } from '../protocol';

export interface Button {
  title: string;
  action: Action;
}

export type Action =
  | { do: 'command'; command: string; given: unknown[] }
  | { do: 'open'; uri: string; line: number }
  /** Into a terminal, not entered. */
  | { do: 'type'; text: string };

export const RESTART = 'Restart the Server';
export const LOG = 'Show the Log';
/** LSP's RequestFailed: the server understood, and says in words what the user can do. */
const REQUEST_FAILED = -32803;

export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

/** Buttons of an error: what the server refuses, as a branch that exists already, no log and no new server mends. */
export function helpOf(error: unknown): string[] {
  return codeOf(error) === REQUEST_FAILED ? [] : [LOG, RESTART];
}

/** setting: `evolverec.notifications`. */
export function isWanted(told: Told, setting: string): boolean {
  if (told.level === 'error') return true;
  return setting === 'all' || (setting === 'results' && told.level === 'done');
}

const MOST = 3; // notifications that VS Code shows at once

/** Of what waited until somebody looked, what is still news: no promise of a job that has told its end since, and the newest. */
export function stillNews(held: readonly Told[]): Told[] {
  const open = held.filter((told, at) => told.level !== 'promising' || !held.slice(at + 1).some((later) => later.repo === told.repo && later.level !== 'promising'));
  return open.slice(-MOST);
}

export function buttonsOf(told: Told): Button[] {
  const { repo, proposal } = told;
  if (told.level === 'error') return told.mends.map(mendButton);
  if (!proposal) return told.mends.map(mendButton);
  const patch = (title: string, name: string): Button => ({ title, action: { do: 'command', command: `evolverec.ui.${name}`, given: [{ repo, proposal }] } });
  return [patch('Show Diff', 'diff'), ...(told.verified ? [patch('Apply', 'apply')] : [])];
}

function mendButton(mend: Mend): Button {
  switch (mend.kind) {
    case 'open':
      return { title: 'Open Line', action: { do: 'open', uri: mend.uri, line: mend.line } };
    case 'log':
      return { title: 'Show Log', action: { do: 'open', uri: mend.uri, line: 0 } };
    case 'interpreter':
      return { title: 'Choose Interpreter', action: { do: 'command', command: 'evolverec.ui.chooseInterpreter', given: [] } };
    case 'page':
      return { title: 'Show', action: { do: 'command', command: 'evolverec.ui.explain', given: [{ repo: mend.repo, code: mend.code }] } };
    case 'create':
      return { title: `Create ${mend.function}()`, action: { do: 'command', command: 'evolverec.createEntry', given: [{ repo: mend.repo }] } };
    case 'pick':
      return { title: 'Pick the Log…', action: { do: 'command', command: 'evolverec.ui.pickLog', given: [mend.named] } };
    case 'install':
      return { title: `Install ${mend.package}`, action: { do: 'type', text: `${quoted(mend.python)} -m pip install ${mend.package}` } };
  }
}

function quoted(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : `"${path}"`;
}
