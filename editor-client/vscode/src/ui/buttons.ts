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

/** setting: `evolverec.notifications`. */
export function isWanted(told: Told, setting: string): boolean {
  if (told.level === 'error') return true;
  return setting === 'all' || (setting === 'results' && told.level === 'done');
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
    case 'install':
      return { title: `Install ${mend.package}`, action: { do: 'type', text: `${quoted(mend.python)} -m pip install ${mend.package}` } };
  }
}

function quoted(path: string): string {
  return /^[\w./\\:-]+$/.test(path) ? path : `"${path}"`;
}
