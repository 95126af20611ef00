/** The language server's life: started, asked, restarted when it dies, stopped. */

import * as vscode from 'vscode';
import {
  CloseAction,
  ErrorAction,
  LanguageClient,
  LanguageClientOptions,
  Middleware,
  RevealOutputChannelOn,
  State,
} from 'vscode-languageclient/node';

import type { Changed, Told } from '../protocol';
import { serverCommand } from './candidates';
import { contentCapability } from './documentContent';
import type { Serving } from './probe';

export type ServerState =
  | { kind: 'off' }
  | { kind: 'starting' }
  | { kind: 'running'; serving: Serving }
  | { kind: 'missing'; reasons: string[] }
  | { kind: 'failed'; reason: string };

/** How the server is to run, found anew at each start. */
export interface Terms {
  serving: Serving;
  /** The interpreter that runs repos, "" for the server's own choice. */
  python: string;
  extraArgs: string[];
  /** Beside that of VS Code's own process. */
  environment: Record<string, string>;
  /** Not a folder of the user's, so that nothing in it is imported. */
  cwd: string;
}

const RESTARTS = 5;
const RESTART_WINDOW_MS = 180_000;

export class Connection implements vscode.Disposable {
  private readonly stateChanged = new vscode.EventEmitter<ServerState>();
  readonly onDidChangeState = this.stateChanged.event;
  private readonly repoChanged = new vscode.EventEmitter<Changed>();
  /** What views show of this repo is out of date. */
  readonly onDidChangeRepo = this.repoChanged.event;
  private readonly resultTold = new vscode.EventEmitter<Told>();
  /** A job has brought something, or failed. */
  readonly onDidTell = this.resultTold.event;
  private current: ServerState = { kind: 'off' };
  private client: LanguageClient | undefined;
  private ends: number[] = [];
  private queue: Promise<void> = Promise.resolve();

  constructor(
    private readonly log: vscode.LogOutputChannel,
    private readonly findTerms: () => Promise<Terms | { reasons: string[] }>,
    private readonly middleware: Middleware,
  ) {}

  get state(): ServerState {
    return this.current;
  }

  get running(): boolean {
    return this.current.kind === 'running';
  }

  /** Start, or start again: settings, interpreter and trust are read anew. */
  restart(): Promise<void> {
    this.queue = this.queue.then(async () => {
      await this.end();
      await this.begin();
    });
    return this.queue;
  }

  /** Until no start is under way, nor one that was asked for meanwhile. */
  async settled(): Promise<void> {
    let awaited;
    do {
      awaited = this.queue;
      await awaited;
    } while (awaited !== this.queue);
  }

  stop(): Promise<void> {
    this.queue = this.queue.then(async () => {
      await this.end();
      this.enter({ kind: 'off' });
    });
    return this.queue;
  }

  /** Raises the server's own words, or why there is no server. */
  async request<T>(method: string, params?: unknown): Promise<T> {
    await this.queue;
    if (!this.client || this.current.kind !== 'running') throw new Error(this.whyNot());
    return await this.client.sendRequest<T>(method, params);
  }

  /** A command of the server. */
  execute<T>(command: string, argument: Record<string, unknown>): Promise<T> {
    return this.request<T>('workspace/executeCommand', { command, arguments: [argument] });
  }

  /** The cancel button of a job's progress. */
  async cancelProgress(token: string): Promise<void> {
    await this.client?.sendNotification('window/workDoneProgress/cancel', { token });
  }

  dispose(): void {
    this.stateChanged.dispose();
    this.repoChanged.dispose();
    this.resultTold.dispose();
  }

  private async begin(): Promise<void> {
    this.enter({ kind: 'starting' });
    const terms = await this.findTerms();
    if ('reasons' in terms) {
      for (const reason of terms.reasons) this.log.info(`not the server: ${reason}`);
      this.enter({ kind: 'missing', reasons: terms.reasons });
      return;
    }
    const { command, args } = serverCommand(terms.serving.candidate, terms.extraArgs);
    this.log.info(`starting ${[command, ...args].join(' ')} (found by ${terms.serving.candidate.from})`);
    const client = new LanguageClient(
      'evolverec',
      'evolverec',
      { command, args, options: { cwd: terms.cwd, env: { ...process.env, ...terms.environment, PYTHONUNBUFFERED: '1' } } },
      this.options(terms),
    );
    client.registerFeature(contentCapability);
    client.onNotification('evolverec/changed', (changed: Changed) => this.repoChanged.fire(changed));
    client.onNotification('evolverec/told', (told: Told) => this.resultTold.fire(told));
    client.onDidChangeState(({ newState }) => {
      if (this.client !== client) return;
      if (newState === State.Running) this.enter({ kind: 'running', serving: terms.serving });
      if (newState === State.Starting) this.enter({ kind: 'starting' });
    });
    this.client = client;
    try {
      await client.start();
    } catch (error) {
      this.fail(error instanceof Error ? error.message : String(error));
    }
  }

  private async end(): Promise<void> {
    const client = this.client;
    this.client = undefined;
    if (!client) return;
    try {
      await client.dispose(2000);
    } catch (error) {
      this.log.info(`the server did not end orderly: ${String(error)}`);
    }
  }

  private options(terms: Terms): LanguageClientOptions {
    return {
      documentSelector: [
        { scheme: 'file', language: 'python' },
        { scheme: 'file', pattern: '**/evolverec.toml' },
      ],
      initializationOptions: { trusted: vscode.workspace.isTrusted, python: terms.python, machineSettings: true, views: true },
      outputChannel: this.log,
      revealOutputChannelOn: RevealOutputChannelOn.Never, // errors are told in words, once
      progressOnInitialization: false,
      markdown: { isTrusted: false, supportHtml: false },
      middleware: this.middleware,
      initializationFailedHandler: (error) => {
        this.fail(error instanceof Error ? error.message : String(error));
        return false;
      },
      errorHandler: {
        error: () => ({ action: ErrorAction.Continue }),
        closed: () => this.closed(),
      },
    };
  }

  /** The server died. It keeps nothing of its own, so a new one shows the same findings. */
  private closed(): { action: CloseAction; handled: true; message?: string } {
    const now = Date.now();
    this.ends = [...this.ends.filter((end) => now - end < RESTART_WINDOW_MS), now];
    if (this.ends.length <= RESTARTS) {
      this.log.warn('the server ended unexpectedly and is started again; jobs go on without it');
      return { action: CloseAction.Restart, handled: true };
    }
    this.fail(`it ended ${this.ends.length} times within ${RESTART_WINDOW_MS / 60_000} minutes`);
    return { action: CloseAction.DoNotRestart, handled: true };
  }

  private fail(reason: string): void {
    this.log.error(`the server does not run: ${reason}`);
    this.enter({ kind: 'failed', reason });
  }

  private enter(state: ServerState): void {
    this.current = state;
    this.stateChanged.fire(state);
  }

  private whyNot(): string {
    switch (this.current.kind) {
      case 'missing':
        return 'evolverec was not found. Choose an interpreter that has it, or make an environment';
      case 'failed':
        return `the evolverec server does not run: ${this.current.reason}. See the log, then restart it`;
      default:
        return 'the evolverec server is not up yet. Try again in a moment';
    }
  }
}
