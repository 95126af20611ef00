/** Has the user pick the log that `data.source` is to name, and writes it into evolverec.toml. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import { Declined } from '../ui/telling';
import { sourceOf } from './template';

/** Where the name stands in the file, as the server counts. */
export interface Named {
  uri: string;
  line: number;
  start: number;
  end: number;
  /** What stands there. */
  text: string;
}

export async function pickLog(named: Named): Promise<void> {
  const config = vscode.Uri.parse(named.uri);
  const folder = path.dirname(config.fsPath);
  const picked = await vscode.window.showOpenDialog({ title: 'Pick the Log', openLabel: 'Use', canSelectFolders: true, canSelectFiles: true, canSelectMany: false, defaultUri: vscode.Uri.file(folder) });
  const log = picked?.[0];
  if (!log) throw new Declined('no log picked');
  const place = new vscode.Range(named.line, named.start, named.line, named.end);
  const document = await vscode.workspace.openTextDocument(config);
  if (document.getText(place) !== named.text) throw new Error(`evolverec.toml no longer names ${named.text} there. Pick the log by the quick fix on its line`);
  const edit = new vscode.WorkspaceEdit();
  edit.replace(config, place, sourceOf(folder, log.fsPath, path));
  if (!(await vscode.workspace.applyEdit(edit))) throw new Error('evolverec.toml could not be edited. Save it, and pick again');
}
