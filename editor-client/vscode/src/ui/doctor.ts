/** What this machine has and lacks, as `evolverec doctor` says it. */

import * as vscode from 'vscode';

import type { Setup } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';

type Check = Setup['checks'][number];

export async function showDoctor(connection: Connection, repos: Repos): Promise<void> {
  const folder = repos.current()?.repo ?? vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (!folder) throw new Error('no folder is open. Open one first');
  const looking = { location: vscode.ProgressLocation.Window, title: 'evolverec: looking at this machine' };
  const setup = await vscode.window.withProgress(looking, () => ask(connection, folder));
  const items = setup.checks.map((check) => ({ label: `$(${icon(check)}) ${check.name}`, description: wordsOf(check), detail: check.help ?? '', check }));
  const title = setup.ok ? 'evolverec: nothing that the main job needs is missing' : 'evolverec: something that the main job needs is missing';
  const picked = await vscode.window.showQuickPick(items, { title, placeHolder: 'Pick one to copy what helps', matchOnDescription: true });
  if (picked?.check.help) {
    await vscode.env.clipboard.writeText(picked.check.help);
    void vscode.window.showInformationMessage(`Copied: ${picked.check.help}`);
  }
}

/** One message where something that the main job needs is missing; silence where all is well. */
export async function warnOfMissing(connection: Connection, folder: string): Promise<void> {
  const setup = await ask(connection, folder).catch(() => undefined);
  const missing = setup?.checks.filter((check) => !check.ok && check.needed) ?? [];
  if (missing.length === 0) return;
  const show = 'Show All Checks';
  const picked = await vscode.window.showWarningMessage(`evolverec: ${missing.map((check) => check.message).join('; ')}.`, show);
  if (picked === show) await vscode.commands.executeCommand('evolverec.ui.doctor');
}

function ask(connection: Connection, folder: string): Promise<Setup> {
  return connection.request<Setup>('evolverec/setup', { folder });
}

function icon(check: Check): string {
  return check.ok ? 'pass' : check.needed ? 'error' : 'info';
}

/** The icon says whether it is there. */
function wordsOf(check: Check): string {
  return check.ok || check.needed ? check.message : `${check.message} (optional)`;
}
