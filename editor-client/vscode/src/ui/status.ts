/** The status bar item and the language status item: what the server is doing, in a few words. */

import * as vscode from 'vscode';

import type { RepoState } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { escape } from '../views/node';
import { type Status, statusOf } from './words';

const MENU: vscode.Command = { title: 'Menu', command: 'evolverec.ui.menu' };
const LEVELS = {
  ok: vscode.LanguageStatusSeverity.Information,
  warning: vscode.LanguageStatusSeverity.Warning,
  error: vscode.LanguageStatusSeverity.Error,
};

export class StatusItems implements vscode.Disposable {
  private readonly bar = vscode.window.createStatusBarItem('evolverec.status', vscode.StatusBarAlignment.Left, 50);
  private readonly language: vscode.LanguageStatusItem;
  private readonly subscriptions: vscode.Disposable[];

  constructor(
    private readonly connection: Connection,
    private readonly repos: Repos,
  ) {
    this.language = vscode.languages.createLanguageStatusItem('evolverec.language', [
      { scheme: 'file', language: 'python' },
      { scheme: 'file', pattern: '**/evolverec.toml' },
    ]);
    this.language.name = 'evolverec';
    this.language.command = MENU;
    this.bar.name = 'evolverec';
    this.bar.command = MENU.command;
    this.subscriptions = [
      repos.onDidChange(() => this.show()),
      connection.onDidChangeState(() => this.show()),
      vscode.window.onDidChangeActiveTextEditor(() => this.show()),
    ];
    this.show();
  }

  private show(): void {
    const repo = this.repos.current() ?? busiest(this.repos.known);
    const { kind } = this.connection.state;
    const status = statusOf(kind === 'running' && !repo && !this.repos.loaded ? 'starting' : kind, repo);
    this.bar.text = `$(${status.icon}) evolverec: ${status.text}`;
    this.bar.tooltip = this.tooltip(status, repo);
    this.bar.accessibilityInformation = { label: `evolverec: ${status.text}` };
    this.bar.show();
    this.language.text = status.text;
    this.language.busy = status.busy;
    this.language.severity = LEVELS[status.level];
    this.language.detail = repo?.summary ?? '';
  }

  private tooltip(status: Status, repo: RepoState | undefined): vscode.MarkdownString {
    const lines = repo
      ? [`**${escape(repo.name)}**`, escape(repo.summary), escape(repo.trouble), ...repo.jobs.map((job) => escape(job.label))]
      : [escape(status.text)];
    const { state } = this.connection;
    if (state.kind === 'running') {
      lines.push(escape(`Server: ${state.serving.candidate.program} ${state.serving.version}`));
    }
    if (!vscode.workspace.isTrusted) lines.push('This window is in restricted mode: nothing of the folder is run.');
    return new vscode.MarkdownString(lines.filter(Boolean).join('\n\n'));
  }

  dispose(): void {
    this.bar.dispose();
    this.language.dispose();
    this.subscriptions.forEach((subscription) => subscription.dispose());
  }
}

function busiest(repos: readonly RepoState[]): RepoState | undefined {
  return repos.find((repo) => repo.jobs.length > 0) ?? repos[0];
}
