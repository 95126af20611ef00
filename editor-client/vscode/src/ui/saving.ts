/** Text that is not saved: nothing is written into it, and a job does not see it. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import { Declined } from './telling';

/** Versions of documents as our own patches left them: such text is not the user's unsaved work. */
const ours = new Map<string, number>();

export function noteOwnEdit(uris: readonly vscode.Uri[]): void {
  for (const document of vscode.workspace.textDocuments) {
    if (uris.some((uri) => uri.toString() === document.uri.toString())) ours.set(document.uri.toString(), document.version);
  }
}

/** In the status bar, which can be cleared: a notification would still say so after the file was saved, undone or closed. */
export function tellUntilSaved(uris: readonly vscode.Uri[]): void {
  const waiting = () => vscode.workspace.textDocuments.filter((document) => document.isDirty && uris.some((uri) => uri.toString() === document.uri.toString()));
  if (waiting().length === 0) return;
  const told = () => `$(circle-filled) evolverec: ${names(waiting())} not saved yet`;
  let words = told();
  let shown = vscode.window.setStatusBarMessage(words);
  const again = () => {
    if (waiting().length > 0 && told() === words) return;
    shown.dispose();
    if (waiting().length === 0) return watches.forEach((watch) => watch.dispose());
    words = told();
    shown = vscode.window.setStatusBarMessage(words);
  };
  const later = () => void setTimeout(again); // events come before the document has its new state
  const watches = [vscode.workspace.onDidSaveTextDocument(later), vscode.workspace.onDidChangeTextDocument(later), vscode.workspace.onDidCloseTextDocument(later)];
}

function unsaved(uris: readonly vscode.Uri[]): vscode.TextDocument[] {
  const names = new Set(uris.map((uri) => uri.toString()));
  return vscode.workspace.textDocuments.filter(
    (document) => names.has(document.uri.toString()) && document.isDirty && ours.get(document.uri.toString()) !== document.version,
  );
}

/** Before a patch is written. Raises Declined, or why a file could not be saved. */
export async function saveBeforePatch(uris: readonly vscode.Uri[]): Promise<void> {
  const documents = unsaved(uris);
  if (documents.length === 0) return;
  const save = 'Save and Apply';
  const picked = await vscode.window.showWarningMessage(
    `${names(documents)} ${documents.length === 1 ? 'has' : 'have'} changes that are not saved.`,
    { modal: true, detail: 'A patch is never mixed with unsaved text. Save first; undo then takes the patch out again, and nothing else.' },
    save,
  );
  if (picked !== save) throw new Declined('not saved');
  await saveAll(documents);
}

/**
 * Before a job, which runs what is on disk. True where the user wants the files on disk all the same.
 * Raises Declined.
 */
export async function saveBeforeJob(repo: string): Promise<boolean> {
  const documents = vscode.workspace.textDocuments.filter(
    (document) => document.isDirty && document.uri.scheme === 'file' && inside(repo, document.uri.fsPath),
  );
  if (documents.length === 0) return false;
  const [save, asIs] = ['Save All and Run', 'Run What Is on Disk'];
  const picked = await vscode.window.showWarningMessage(
    `${names(documents)} ${documents.length === 1 ? 'has' : 'have'} changes that are not saved.`,
    { modal: true, detail: 'A job runs the files on disk.' },
    save,
    asIs,
  );
  if (picked === save) await saveAll(documents);
  else if (picked !== asIs) throw new Declined('not started');
  return picked === asIs;
}

function inside(folder: string, file: string): boolean {
  const relative = path.relative(folder, file);
  return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
}

async function saveAll(documents: readonly vscode.TextDocument[]): Promise<void> {
  for (const document of documents) {
    if (!(await document.save())) throw new Error(`${names([document])} could not be saved, so nothing was done. Save it by hand, then try again`);
  }
}

function names(documents: readonly vscode.TextDocument[]): string {
  return documents.map((document) => path.basename(document.uri.path)).join(', ');
}
