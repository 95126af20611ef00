/** A repo that has no evolverec.toml: a commented one to edit, not saved until the user saves it. */

import * as vscode from 'vscode';

import type { Connection } from '../server/connection';
import { choicesOf } from './newRecommender';
import { configTemplate, guessEntry } from './template';

const LOOKED_AT = 200; // files, at most, for the entry function

export async function setUp(connection: Connection): Promise<void> {
  const folder = await chooseFolder();
  if (!folder) return;
  const target = vscode.Uri.joinPath(folder.uri, 'evolverec.toml');
  try {
    await vscode.workspace.fs.stat(target);
  } catch {
    return await openTemplate(connection, folder, target);
  }
  await vscode.window.showTextDocument(target);
}

async function openTemplate(connection: Connection, folder: vscode.WorkspaceFolder, target: vscode.Uri): Promise<void> {
  const choices = await choicesOf(connection).catch(() => undefined); // without a server the file is less well explained
  const document = await vscode.workspace.openTextDocument(target.with({ scheme: 'untitled' }));
  const editor = await vscode.window.showTextDocument(document);
  if (document.getText() !== '') return;
  const text = configTemplate(guessEntry(await sources(folder)), choices);
  await editor.edit((edit) => edit.insert(new vscode.Position(0, 0), text));
  const entry = text.split('\n').findIndex((line) => line.startsWith('entry ='));
  editor.selection = new vscode.Selection(entry, 0, entry, 0);
}

async function sources(folder: vscode.WorkspaceFolder): Promise<{ path: string; text: string }[]> {
  const files = await vscode.workspace.findFiles(new vscode.RelativePattern(folder, '**/*.py'), '**/{node_modules,.venv,site-packages}/**', LOOKED_AT);
  return await Promise.all(
    files.map(async (file) => ({
      path: vscode.workspace.asRelativePath(file, false),
      text: new TextDecoder().decode(await vscode.workspace.fs.readFile(file)),
    })),
  );
}

async function chooseFolder(): Promise<vscode.WorkspaceFolder | undefined> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  if (folders.length === 0) throw new Error('no folder is open. Open the folder of your recommender first');
  return folders.length === 1 ? folders[0] : await vscode.window.showWorkspaceFolderPick({ placeHolder: 'Which folder is the recommender?' });
}
