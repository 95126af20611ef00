/** Puts the parts together. */

import * as vscode from 'vscode';

import { Connection } from './server/connection';
import { DOCS_SCHEME, PROPOSAL_SCHEME, ProposedContent } from './server/documentContent';
import { findTerms } from './server/terms';

let connection: Connection | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('evolverec', { log: true });
  const server = new Connection(log, () => findTerms(context, log), {});
  connection = server;
  const content = new ProposedContent(server);
  context.subscriptions.push(
    log,
    server,
    vscode.workspace.registerTextDocumentContentProvider(PROPOSAL_SCHEME, content),
    vscode.workspace.registerTextDocumentContentProvider(DOCS_SCHEME, content),
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.restart()),
    vscode.commands.registerCommand('evolverec.ui.restart', () => server.restart()),
    vscode.commands.registerCommand('evolverec.ui.showLog', () => log.show()),
  );
  void server.restart();
}

export function deactivate(): Promise<void> | undefined {
  return connection?.stop();
}
