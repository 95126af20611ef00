/** Accepting a finding for the team: the reason is asked for, and the server writes the baseline. */

import * as vscode from 'vscode';

import type { Accepted } from '../protocol';
import type { Connection } from '../server/connection';
import { Declined } from './telling';

export async function acceptFinding(connection: Connection, repo: string, code: string, path: string): Promise<void> {
  const reason = await vscode.window.showInputBox({
    title: `Accept ${code}${path ? ` in ${path}` : ''}`,
    prompt: 'Why, for the next reader? It is written into evolverec.baseline.toml; editors and CI count the finding no more.',
    ignoreFocusOut: true,
    validateInput: (text) => (text.trim() ? undefined : 'A reason is needed'),
  });
  if (!reason) throw new Declined('no reason given');
  const done = await connection.execute<Accepted>('evolverec.accept', { repo, code, reason, path });
  const open = 'Open';
  const picked = await vscode.window.showInformationMessage(`evolverec: ${code} is accepted in ${done.file}.`, open);
  if (picked === open) await vscode.window.showTextDocument(vscode.Uri.parse(done.uri));
}
