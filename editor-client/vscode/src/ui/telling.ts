/** Errors in words, and the actions that help. */

import * as vscode from 'vscode';

import { codeOf, helpOf, LOG, RESTART } from './buttons';

const METHOD_NOT_FOUND = -32601;
export class Declined extends Error {}

/** A row was acted on just as its view was drawn again: nothing went wrong, and nothing was done. */
export class Again extends Error {
  constructor() {
    super('the list was just being renewed, so nothing was done. Choose once more.');
  }
}

export function inWords(error: unknown): string {
  if (codeOf(error) === METHOD_NOT_FOUND) {
    return 'The evolverec that was found is older than this extension and does not know this request. Update it, or name another one in evolverec.path.';
  }
  const message = error instanceof Error ? error.message : String(error);
  return message.charAt(0).toUpperCase() + message.slice(1);
}

/** Show an error once, with what helps. What the user declined is no error. */
export async function tell(error: unknown): Promise<void> {
  if (error instanceof Declined) return;
  if (error instanceof Again) {
    void vscode.window.showInformationMessage(`evolverec: ${inWords(error)}`);
    return;
  }
  const picked = await vscode.window.showErrorMessage(`evolverec: ${inWords(error)}`, ...helpOf(error));
  if (picked === LOG) await vscode.commands.executeCommand('evolverec.ui.showLog');
  if (picked === RESTART) await vscode.commands.executeCommand('evolverec.ui.restart');
}

/** Runs what a command does; an error is told, not thrown at the editor. */
export function telling<A extends unknown[], T>(work: (...args: A) => Promise<T>): (...args: A) => Promise<T | undefined> {
  return async (...args) => {
    try {
      return await work(...args);
    } catch (error) {
      void tell(error);
      return undefined;
    }
  };
}
