/** Which of several things an offer is about. */

import * as vscode from 'vscode';

import { Declined } from './telling';

type Given = Record<string, unknown>;

/** What a command is to be done with: its own object, or the one of its `choices` that is picked, in a list that keys reach. */
export async function chosen(given: Given): Promise<Given> {
  const { choices, question } = given;
  if (typeof choices !== 'object' || choices === null) return given;
  const named = choices as Record<string, Given>;
  const picked = await vscode.window.showQuickPick(Object.keys(named), { placeHolder: String(question ?? '') });
  const found = picked === undefined ? undefined : named[picked];
  if (!found) throw new Declined('nothing picked');
  return found;
}
