/** What kind of folder is open, for the welcome of the views. */

import * as vscode from 'vscode';

export type FolderKind = 'none' | 'empty' | 'python' | 'other' | 'recommender';

const UNSEEN = /^\.(git|vscode|venv|DS_Store|idea)/;
const NOT_THEIRS = '{**/node_modules/**,**/.venv/**,**/site-packages/**,**/.evolverec/**}';

export async function folderKind(): Promise<FolderKind> {
  const folders = vscode.workspace.workspaceFolders ?? [];
  const [first] = folders;
  if (!first) return 'none';
  if ((await vscode.workspace.findFiles('**/evolverec.toml', NOT_THEIRS, 1)).length > 0) return 'recommender';
  if ((await vscode.workspace.findFiles('**/*.py', NOT_THEIRS, 1)).length > 0) return 'python';
  return folders.length === 1 && (await isEmpty(first.uri)) ? 'empty' : 'other';
}

export async function isEmpty(folder: vscode.Uri): Promise<boolean> {
  try {
    return (await vscode.workspace.fs.readDirectory(folder)).every(([name]) => UNSEEN.test(name));
  } catch {
    return false;
  }
}

/** Keeps the context key `evolverec.folder` right, by which the views choose their welcome. */
export function watchFolderKind(): vscode.Disposable {
  const tell = async () => void (await vscode.commands.executeCommand('setContext', 'evolverec.folder', await folderKind()));
  const watcher = vscode.workspace.createFileSystemWatcher('**/{evolverec.toml,*.py}', false, true, false);
  void tell();
  return vscode.Disposable.from(
    watcher,
    watcher.onDidCreate(tell),
    watcher.onDidDelete(tell),
    vscode.workspace.onDidChangeWorkspaceFolders(tell),
  );
}
