/** The LLM's key in the secret storage of VS Code, and the settings beside it. */

import * as vscode from 'vscode';

import { Declined } from '../ui/telling';
import type { Connection } from './connection';
import { llmEnvironment, wrongKey } from './llm';

const KEY = 'evolverec.llm.key';

export async function askLlmKey(context: vscode.ExtensionContext, connection: Connection): Promise<void> {
  const known = await context.secrets.get(KEY);
  const given = await vscode.window.showInputBox({
    title: 'LLM Key',
    prompt: `Kept in the secret storage of VS Code, and sent to the endpoint that you have set alone.${known ? ' Empty: forget the key that is there.' : ''}`,
    password: true,
    ignoreFocusOut: true,
    validateInput: wrongKey,
  });
  if (given === undefined) throw new Declined('no key given');
  if (given.trim()) await context.secrets.store(KEY, given.trim());
  else await context.secrets.delete(KEY);
  await connection.restart();
  const model = vscode.workspace.getConfiguration('evolverec').get<string>('llm.model', '').trim();
  if (given.trim() && !model) {
    const open = 'Open Settings';
    const picked = await vscode.window.showInformationMessage('evolverec: the key is kept. Nothing is asked before a model is named.', open);
    if (picked === open) await vscode.commands.executeCommand('workbench.action.openSettings', 'evolverec.llm');
  }
}

/** For the server's process. */
export async function llmSet(context: vscode.ExtensionContext): Promise<Record<string, string>> {
  const settings = vscode.workspace.getConfiguration('evolverec');
  const key = (await context.secrets.get(KEY)) ?? '';
  return llmEnvironment({ model: settings.get<string>('llm.model', ''), baseUrl: settings.get<string>('llm.baseUrl', ''), key });
}
