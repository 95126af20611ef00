/** An environment of our own, in the extension's storage, for those who have none with evolverec. */

import * as vscode from 'vscode';

export function environmentFolder(context: vscode.ExtensionContext): vscode.Uri {
  return vscode.Uri.joinPath(context.globalStorageUri, 'environment');
}

/** "" where none was made. */
export async function environmentPython(context: vscode.ExtensionContext): Promise<string> {
  const inside = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  const python = vscode.Uri.joinPath(environmentFolder(context), ...inside);
  try {
    await vscode.workspace.fs.stat(python);
    return python.fsPath;
  } catch {
    return '';
  }
}
