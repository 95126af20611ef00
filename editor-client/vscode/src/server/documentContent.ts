/**
 * Proposed files as read-only documents. Client library 9 does not know `workspace/textDocumentContent` yet, so the
 * capability is announced here and the server's texts are served for its scheme.
 */

import * as vscode from 'vscode';
import type { ClientCapabilities, FeatureState, StaticFeature } from 'vscode-languageclient/node';

import type { Connection } from './connection';

export const PROPOSAL_SCHEME = 'evolverec-proposal';
/** Pages that say what a diagnostic's code means. */
export const DOCS_SCHEME = 'evolverec-docs';
const METHOD = 'workspace/textDocumentContent';

export const contentCapability: StaticFeature = {
  fillClientCapabilities(capabilities: ClientCapabilities): void {
    capabilities.workspace = Object.assign(capabilities.workspace ?? {}, { textDocumentContent: { dynamicRegistration: false } });
  },
  initialize(): void {},
  getState: (): FeatureState => ({ kind: 'static' }),
  clear(): void {},
};

export class ProposedContent implements vscode.TextDocumentContentProvider {
  private readonly changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.changed.event;

  constructor(private readonly connection: Connection) {}

  async provideTextDocumentContent(uri: vscode.Uri): Promise<string> {
    const reply = await this.connection.request<{ text: string }>(METHOD, { uri: uri.toString() });
    return reply.text;
  }

  /** Proposed texts are made of the files as they are, pages of what was measured: open ones are read again when that changes. */
  refresh(): void {
    for (const document of vscode.workspace.textDocuments) {
      if (document.uri.scheme === PROPOSAL_SCHEME || document.uri.scheme === DOCS_SCHEME) this.changed.fire(document.uri);
    }
  }
}
