/** Marks beside the lines: findings in the gutter, and a bar at lines that differ from what was measured. */

import * as vscode from 'vscode';

import type { Gutter } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { changeMarks, findingMarks, type Kind, KINDS, type Mark } from './gutterMarks';

const SETTING = 'evolverec.gutterMarks';

export class GutterMarks implements vscode.Disposable {
  private readonly icons: Record<Kind, vscode.TextEditorDecorationType>;
  private readonly bar = vscode.window.createTextEditorDecorationType({
    isWholeLine: true,
    borderStyle: 'dotted',
    borderWidth: '0 0 0 2px',
    borderColor: new vscode.ThemeColor('editorGutter.modifiedBackground'),
    overviewRulerColor: new vscode.ThemeColor('editorGutter.modifiedBackground'),
    overviewRulerLane: vscode.OverviewRulerLane.Left,
  });
  private readonly subscriptions: vscode.Disposable[];
  private asking = false;
  private again = false;

  constructor(
    extension: vscode.Uri,
    private readonly connection: Connection,
    repos: Repos,
  ) {
    const icon = (kind: Kind) =>
      vscode.window.createTextEditorDecorationType({ gutterIconPath: vscode.Uri.joinPath(extension, 'media', 'gutter', `${kind}.svg`), gutterIconSize: 'contain' });
    this.icons = { error: icon('error'), warning: icon('warning'), information: icon('information'), faded: icon('faded') };
    this.subscriptions = [
      repos.onDidChangeContent(() => void this.renew()),
      vscode.window.onDidChangeVisibleTextEditors(() => void this.renew()),
      vscode.workspace.onDidChangeConfiguration((change) => change.affectsConfiguration(SETTING) && void this.renew()),
    ];
  }

  /** One round of questions at a time: what changes meanwhile is asked for in a further one. */
  private async renew(): Promise<void> {
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    try {
      do {
        this.again = false;
        for (const editor of vscode.window.visibleTextEditors) await this.mark(editor);
      } while (this.again);
    } finally {
      this.asking = false;
    }
  }

  private async mark(editor: vscode.TextEditor): Promise<void> {
    const { document } = editor;
    if (document.uri.scheme !== 'file' || document.languageId !== 'python') return;
    const wanted = vscode.workspace.getConfiguration('evolverec').get<boolean>('gutterMarks', true) && this.connection.running;
    const { version } = document;
    const told = wanted ? await this.ask(document.uri) : { marks: [], changed: [] };
    if (!told || document.version !== version) return; // typed meanwhile: the next round has its lines
    const found = findingMarks(told);
    for (const kind of KINDS) editor.setDecorations(this.icons[kind], found[kind].map((mark) => decoration(document, mark, false)));
    editor.setDecorations(this.bar, changeMarks(told).map((mark) => decoration(document, mark, true)));
  }

  private async ask(uri: vscode.Uri): Promise<Gutter | undefined> {
    try {
      return await this.connection.request<Gutter>('evolverec/gutter', { uri: uri.toString() });
    } catch {
      return undefined; // the server is starting or gone, which the status bar says
    }
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => subscription.dispose());
    KINDS.forEach((kind) => this.icons[kind].dispose());
    this.bar.dispose();
  }
}

/** A finding's own words are in the hover of its diagnostic already. */
function decoration(document: vscode.TextDocument, mark: Mark, says: boolean): vscode.DecorationOptions {
  const last = document.lineCount - 1;
  const range = new vscode.Range(Math.min(mark.line, last), 0, Math.min(mark.endLine, last), 0);
  return says ? { range, hoverMessage: mark.words } : { range };
}
