/** Pages of personas as read-only documents, kept while the window is open. */

import * as vscode from 'vscode';

import type { Subject } from './node';
import { personaPage } from './personaPage';

export const PAGE_SCHEME = 'evolverec-page';

export class PersonaPages implements vscode.TextDocumentContentProvider {
  private readonly pages = new Map<string, string>();
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.pages.get(uri.toString()) ?? 'This page is not known any more. Open it again from the Users view.';
  }

  async open({ repo, group, persona }: Extract<Subject, { kind: 'persona' }>): Promise<void> {
    const uri = vscode.Uri.from({ scheme: PAGE_SCHEME, path: `/user ${persona.user} (${group.kind}).md`, query: repo });
    this.pages.set(uri.toString(), personaPage(group, persona));
    this.changed.fire(uri);
    try {
      await vscode.commands.executeCommand('markdown.showPreview', uri);
    } catch {
      await vscode.window.showTextDocument(uri, { preview: true }); // the user may have switched the preview off
    }
  }
}
