/** The curves of a repo's trainings in a panel beside the code, drawn anew while one runs. */

import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';

import type { Curves } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { curvesHtml, curvesPage } from './curves';
import { escapeHtml } from './page';
import { inWords } from './telling';

interface Panel {
  panel: vscode.WebviewPanel;
  /** Of a stored trial; "" for the training that runs, or the newest. */
  trial: string;
  /** Pixels across; undefined until its page tells. */
  width?: number;
  asking: boolean;
  again: boolean;
}

export class CurvePanels implements vscode.Disposable {
  private readonly panels = new Map<string, Panel>();
  private readonly subscription: vscode.Disposable;

  constructor(
    private readonly extension: vscode.Uri,
    private readonly connection: Connection,
    private readonly repos: Repos,
  ) {
    this.subscription = repos.onDidChangeContent(() => {
      for (const [repo, known] of this.panels) void this.fill(repo, known);
    });
  }

  /** Beside the code, which keeps the focus. */
  async open(named?: { repo: string; trial?: string }): Promise<void> {
    const repo = named?.repo ?? (await this.repos.choose())?.repo;
    if (!repo) return;
    const known = this.panels.get(repo) ?? this.make(repo);
    known.trial = named?.trial ?? '';
    known.panel.reveal(undefined, true);
    await this.fill(repo, known);
  }

  dispose(): void {
    this.subscription.dispose();
    for (const { panel } of this.panels.values()) panel.dispose();
  }

  private make(repo: string): Panel {
    const name = this.repos.known.find((known) => known.repo === repo)?.name ?? repo;
    const where = { viewColumn: vscode.ViewColumn.Beside, preserveFocus: true };
    const panel = vscode.window.createWebviewPanel('evolverec.curves', `Curves: ${name}`, where, { enableScripts: true, localResourceRoots: [] });
    const made: Panel = { panel, trial: '', asking: false, again: false };
    panel.iconPath = vscode.Uri.joinPath(this.extension, 'media', 'icon.png');
    panel.onDidDispose(() => this.panels.delete(repo));
    panel.webview.onDidReceiveMessage(({ width }: { width: number }) => {
      made.width = width;
      void this.fill(repo, made); // at first, when it is seen again, and when it is wider or narrower
    });
    panel.webview.html = curvesPage(randomBytes(16).toString('hex'));
    this.panels.set(repo, made);
    return made;
  }

  /** One question at a time: what changes meanwhile is asked for once more. */
  private async fill(repo: string, known: Panel): Promise<void> {
    if (!known.panel.visible) return;
    if (known.asking) {
      known.again = true;
      return;
    }
    known.asking = true;
    try {
      do {
        known.again = false;
        const html = await this.ask(repo, known);
        if (this.panels.get(repo) === known) await known.panel.webview.postMessage({ html });
      } while (known.again);
    } finally {
      known.asking = false;
    }
  }

  private async ask(repo: string, { trial, width }: Panel): Promise<string> {
    try {
      return curvesHtml(await this.connection.request<Curves>('evolverec/curves', { repo, ...(trial ? { trial } : {}) }), width);
    } catch (error) {
      return `<p>${escapeHtml(inWords(error))}</p>`;
    }
  }
}
