/** Says once in a folder what of a notebook is shown where, since its cells show nothing. */

import * as vscode from 'vscode';

import type { Repos } from '../repos';

const TOLD = 'evolverec.notebooksTold';

export function tellOfNotebooks(context: vscode.ExtensionContext, repos: Repos): vscode.Disposable {
  const look = () => {
    const here = vscode.workspace.notebookDocuments.some(({ uri }) => uri.scheme === 'file' && repos.of(uri));
    if (!here || context.workspaceState.get(TOLD)) return;
    void context.workspaceState.update(TOLD, true);
    void vscode.window.showInformationMessage(
      'evolverec: what is found in a notebook stands in Problems and in the Findings view, by the lines of its file. Its cells show no findings yet.',
    );
  };
  return vscode.Disposable.from(vscode.workspace.onDidOpenNotebookDocument(look), repos.onDidChange(look));
}
