/** The repos that are open, as the server last told; which of them the user means. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import type { Overview, RepoState } from './protocol';
import type { Connection } from './server/connection';
import { repoOf } from './ui/words';

const LEAST_MS = 250;

export class Repos implements vscode.Disposable {
  private states: RepoState[] = [];
  /** Whether the server that runs has said which repos there are. */
  loaded = false;
  private readonly overviewChanged = new vscode.EventEmitter<void>();
  /** Jobs, counts or summaries changed. */
  readonly onDidChange = this.overviewChanged.event;
  private readonly contentChanged = new vscode.EventEmitter<void>();
  /** What the views show may have changed. */
  readonly onDidChangeContent = this.contentChanged.event;
  private timer: NodeJS.Timeout | undefined;
  private readonly subscriptions: vscode.Disposable[];

  constructor(private readonly connection: Connection) {
    this.subscriptions = [
      connection.onDidChangeRepo(() => this.renew()),
      connection.onDidChangeState(() => {
        this.loaded = false;
        this.renew();
      }),
    ];
  }

  get known(): readonly RepoState[] {
    return this.states;
  }

  /** The repo of the active editor, or the only one; undefined where that leaves a choice. */
  current(): RepoState | undefined {
    const uri = vscode.window.activeTextEditor?.document.uri;
    const here = uri?.scheme === 'file' ? this.of(uri) : undefined;
    return here ?? (this.states.length === 1 ? this.states[0] : undefined);
  }

  /** The innermost repo around a file on disk. */
  of(uri: vscode.Uri): RepoState | undefined {
    return repoOf(uri.fsPath, this.states, path.sep);
  }

  /** Asks where several are open. Undefined where the user picked none. Waits for a server that starts; raises why there is none. */
  async choose(): Promise<RepoState | undefined> {
    if (this.states.length === 0) this.states = await this.told();
    const current = this.current();
    if (current) return current;
    if (this.states.length === 0) throw new Error('no folder here has an evolverec.toml. Make a new recommender, or set this folder up');
    const items = this.states.map((state) => ({ label: state.name, description: state.summary, detail: state.repo, state }));
    const picked = await vscode.window.showQuickPick(items, { title: 'evolverec', placeHolder: 'Which recommender?' });
    return picked?.state;
  }

  renew(): void {
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, LEAST_MS);
  }

  private async load(): Promise<void> {
    if (this.connection.state.kind === 'running') {
      try {
        this.states = await this.told();
      } catch {
        this.states = []; // the views say why
      }
      this.loaded = true;
    } else if (this.connection.state.kind !== 'starting') {
      this.states = [];
    }
    const shown = this.current() ?? this.states[0];
    await vscode.commands.executeCommand('setContext', 'evolverec.hasRepo', this.states.length > 0);
    for (const step of ['diagnosed', 'asked', 'taken'] as const) {
      await vscode.commands.executeCommand('setContext', `evolverec.${step}`, this.states.some((state) => state.steps?.[step]));
    }
    await vscode.commands.executeCommand('setContext', 'evolverec.stage', shown?.standing.stage ?? '');
    this.overviewChanged.fire();
    this.contentChanged.fire();
  }

  private async told(): Promise<RepoState[]> {
    return (await this.connection.request<Overview>('evolverec/overview', {})).repos;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscriptions.forEach((subscription) => subscription.dispose());
    this.overviewChanged.dispose();
    this.contentChanged.dispose();
  }
}
