/** The report of a repo in a panel: the same page as `evolverec report` writes, and nothing in it runs. */

import * as vscode from 'vscode';

import type { Report } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { inWords } from './telling';
import { escapeHtml, guarded, themed } from './page';

export class ReportPanels implements vscode.Disposable {
  private readonly panels = new Map<string, vscode.WebviewPanel>();

  constructor(
    private readonly extension: vscode.Uri,
    private readonly connection: Connection,
    private readonly repos: Repos,
  ) {}

  async open(): Promise<void> {
    const repo = await this.repos.choose();
    if (!repo) return;
    const known = this.panels.get(repo.repo);
    const panel = known ?? vscode.window.createWebviewPanel('evolverec.report', `Report: ${repo.name}`, vscode.ViewColumn.Active, { enableScripts: false, enableFindWidget: true, localResourceRoots: [] });
    if (!known) {
      panel.iconPath = vscode.Uri.joinPath(this.extension, 'media', 'icon.png');
      this.panels.set(repo.repo, panel);
      panel.onDidDispose(() => this.panels.delete(repo.repo));
      panel.onDidChangeViewState(() => panel.visible && void this.fill(repo.repo, panel));
    }
    await this.fill(repo.repo, panel);
    panel.reveal();
  }

  async save(): Promise<void> {
    const repo = await this.repos.choose();
    if (!repo) return;
    const { html } = await this.ask(repo.repo);
    const target = await vscode.window.showSaveDialog({ defaultUri: vscode.Uri.file(`${repo.repo}-report.html`), filters: { HTML: ['html'] }, title: 'Save the report' });
    if (target) await vscode.workspace.fs.writeFile(target, new TextEncoder().encode(html));
  }

  dispose(): void {
    for (const panel of this.panels.values()) panel.dispose();
  }

  private async fill(repo: string, panel: vscode.WebviewPanel): Promise<void> {
    try {
      const { kind } = vscode.window.activeColorTheme;
      const dark = kind === vscode.ColorThemeKind.Dark || kind === vscode.ColorThemeKind.HighContrast;
      panel.webview.html = guarded(themed((await this.ask(repo)).html, dark));
    } catch (error) {
      panel.webview.html = guarded(`<!doctype html><html lang="en"><head><title>Report</title></head><body><p>${escapeHtml(inWords(error))}</p></body></html>`);
    }
  }

  private ask(repo: string): Promise<Report> {
    return this.connection.request<Report>('evolverec/report', { repo });
  }
}
