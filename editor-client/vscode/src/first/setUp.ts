/** A repo that has no evolverec.toml: the server reads it, runs none of it, and drafts the file and an adapter. */

import * as vscode from 'vscode';

import type { Jobs } from '../jobs';
import type { Initialised } from '../protocol';
import type { Connection } from '../server/connection';
import { choicesOf } from './newRecommender';
import { afterSetUp, extensionsOf } from './template';

export async function setUp(connection: Connection, jobs: Jobs): Promise<void> {
  const folder = await chooseFolder();
  if (!folder) return;
  const config = vscode.Uri.joinPath(folder.uri, 'evolverec.toml');
  if (await exists(config)) {
    await vscode.window.showTextDocument(config);
    return;
  }
  const reading = { location: vscode.ProgressLocation.Notification, title: 'evolverec reads the code of this folder' };
  const made = await vscode.window.withProgress(reading, () => connection.execute<Initialised>('evolverec.init', { folder: folder.uri.fsPath }));
  if (made.adapter) await vscode.window.showTextDocument(vscode.Uri.joinPath(folder.uri, made.adapter), { preview: false });
  await vscode.window.showTextDocument(config, { preview: false });
  void tellOf(connection, jobs, folder, made);
}

/** What is missing: the log, which only the user knows, and gaps of the adapter, which an LLM may fill in. */
async function tellOf(connection: Connection, jobs: Jobs, folder: vscode.WorkspaceFolder, made: Initialised): Promise<void> {
  const { text, needsLog, hasGaps } = afterSetUp(made);
  if (hasGaps && !needsLog) return await jobs.offerToComplete(made.repo, text);
  const choose = 'Choose the log';
  const answer = await vscode.window.showInformationMessage(text, ...(needsLog ? [choose] : []));
  if (answer !== choose) return;
  const { logs } = await choicesOf(connection);
  const filters = { Logs: extensionsOf(logs.suffixes), All: ['*'] };
  const [log] = (await vscode.window.showOpenDialog({ canSelectFiles: true, defaultUri: folder.uri, filters, title: logs.sentence })) ?? [];
  if (log) await connection.execute<Initialised>('evolverec.init', { folder: folder.uri.fsPath, data: log.fsPath });
}

async function exists(file: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(file);
    return true;
  } catch {
    return false;
  }
}

async function chooseFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) throw new Error('no folder is open. Open the folder of your recommender first');
  return folders.length === 1 ? folders[0] : await vscode.window.showWorkspaceFolderPick({ placeHolder: 'Which folder is the recommender?' });
}
