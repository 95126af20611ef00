/** The checks in VS Code's Testing view: what the last diagnosis said of each, and Diagnose to run them. */

import * as vscode from 'vscode';

import type { Jobs } from '../jobs';
import type { Findings, RepoState } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { Declined, inWords, tell } from '../ui/telling';
import { type Check, checksOf, endOf, wordsOf } from './checks';

const LEAST_MS = 1000; // between two looks at the findings

export class Checklist implements vscode.Disposable {
  private readonly controller = vscode.tests.createTestController('evolverec.checks', 'evolverec');
  private readonly subscription: vscode.Disposable;
  /** Repo -> what was shown last. */
  private readonly shown = new Map<string, string>();
  /** Repos whose checks a run of the user's shows. */
  private readonly running = new Set<string>();
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly connection: Connection,
    private readonly repos: Repos,
    private readonly jobs: Jobs,
  ) {
    this.controller.createRunProfile('Diagnose', vscode.TestRunProfileKind.Run, (request, token) => this.run(request, token), true);
    this.subscription = repos.onDidChangeContent(() => {
      this.timer ??= setTimeout(() => {
        this.timer = undefined;
        void this.renew();
      }, LEAST_MS);
    });
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.subscription.dispose();
    this.controller.dispose();
  }

  /** What the last diagnosis said; not while a job runs, at whose end there is more to say. */
  private async renew(): Promise<void> {
    const { known } = this.repos;
    const names = new Set(known.map((repo) => repo.repo));
    this.controller.items.forEach((item) => {
      if (!names.has(item.id)) this.forget(item.id);
    });
    for (const repo of known) {
      if (repo.jobs.length > 0 || this.running.has(repo.repo)) continue;
      const checks = await this.ask(repo.repo).catch(() => undefined); // the views say why
      if (!checks || this.running.has(repo.repo)) continue;
      if (checks.length > 0) this.show(repo, checks);
      else this.forget(repo.repo); // this code has no verdict: that of another would be untrue
    }
  }

  private forget(repo: string): void {
    this.controller.items.delete(repo);
    this.shown.delete(repo);
  }

  private show(repo: RepoState, checks: readonly Check[]): void {
    const told = JSON.stringify(checks);
    if (this.shown.get(repo.repo) === told) return;
    const root = this.list(repo, checks);
    const run = this.controller.createTestRun(new vscode.TestRunRequest([root]), 'last diagnosis', false);
    this.report(run, root, checks);
    run.end();
    this.shown.set(repo.repo, told);
  }

  /** Rows that are there stay the same rows, so that the view keeps its place. */
  private list(repo: RepoState, checks: readonly Check[]): vscode.TestItem {
    const root = this.controller.items.get(repo.repo) ?? this.controller.createTestItem(repo.repo, repo.name);
    const rows = checks.map((check, at) => {
      const row = root.children.get(check.code) ?? this.controller.createTestItem(check.code, check.code);
      row.description = check.finding?.figure ?? '';
      row.sortText = String(at).padStart(4, '0'); // what is wrong first, as in the list: the view would sort by name
      return row;
    });
    root.children.replace(rows);
    this.controller.items.add(root);
    return root;
  }

  private report(run: vscode.TestRun, root: vscode.TestItem, checks: readonly Check[], wanted?: ReadonlySet<string>): void {
    for (const check of checks) {
      const row = root.children.get(check.code);
      if (!row || (wanted && !wanted.has(check.code))) continue;
      if (check.state === 'failed') run.failed(row, new vscode.TestMessage(message(check)));
      else if (check.state === 'passed') run.passed(row);
      else run.skipped(row);
    }
  }

  /** All checks are measured by one diagnosis, so that is what runs; told are those that were asked for. */
  private async run(request: vscode.TestRunRequest, token: vscode.CancellationToken): Promise<void> {
    const items = request.include ?? all(this.controller.items);
    const left = new Set(request.exclude?.map((item) => item.id));
    const run = this.controller.createTestRun(request);
    for (const repo of this.repos.known) {
      const asked = items.filter((item) => (item.id === repo.repo || item.parent?.id === repo.repo) && !left.has(item.id));
      if (asked.length > 0 && !token.isCancellationRequested) await this.diagnose(repo, asked, left, run, token);
    }
    run.end();
  }

  private async diagnose(repo: RepoState, asked: readonly vscode.TestItem[], left: ReadonlySet<string>, run: vscode.TestRun, token: vscode.CancellationToken): Promise<void> {
    const rows = asked.flatMap((item) => (item.parent ? [item] : all(item.children))).filter((row) => !left.has(row.id));
    this.running.add(repo.repo);
    try {
      const started = (await this.jobs.start('evolverec.diagnose', { repo: repo.repo })) as { job?: string } | undefined;
      if (!started?.job) return;
      rows.forEach((row) => run.started(row));
      await this.ended(repo.repo, started.job, token);
      const state = this.repos.known.find((known) => known.repo === repo.repo);
      const end = endOf(started.job, state);
      if (token.isCancellationRequested || end === 'cancelled') rows.forEach((row) => run.skipped(row));
      else if (end !== '') rows.forEach((row) => run.errored(row, new vscode.TestMessage(end)));
      else {
        const checks = await this.ask(repo.repo);
        const root = this.list(repo, checks);
        const whole = left.size === 0 && asked.some((item) => !item.parent);
        this.report(run, root, checks, whole ? undefined : new Set(rows.map((row) => row.id)));
        if (whole) this.shown.set(repo.repo, JSON.stringify(checks));
      }
    } catch (error) {
      if (!(error instanceof Declined)) {
        rows.forEach((row) => run.errored(row, new vscode.TestMessage(inWords(error))));
        void tell(error);
      }
    } finally {
      this.running.delete(repo.repo);
    }
  }

  /** Until the job is no longer among those that run. Cancelling the run cancels the job. */
  private async ended(repo: string, job: string, token: vscode.CancellationToken): Promise<void> {
    const runs = () => this.repos.known.some((known) => known.repo === repo && known.jobs.some((one) => one.job === job));
    const stop = token.onCancellationRequested(() => void this.connection.execute('evolverec.cancel', { repo, job }).then(undefined, tell));
    let looks = 0;
    await new Promise<void>((resolve) => {
      const told = this.repos.onDidChange(() => {
        looks += 1;
        if (runs()) return;
        if (looks === 1) return this.repos.renew(); // that answer may be from before the job began
        told.dispose();
        resolve();
      });
      this.repos.renew();
    });
    stop.dispose();
  }

  private async ask(repo: string): Promise<Check[]> {
    return checksOf(await this.connection.request<Findings>('evolverec/findings', { repo }));
  }
}

function all(items: vscode.TestItemCollection): vscode.TestItem[] {
  const found: vscode.TestItem[] = [];
  items.forEach((item) => found.push(item));
  return found;
}

function message(check: Check): vscode.MarkdownString {
  const text = new vscode.MarkdownString();
  const [place] = check.finding?.places ?? [];
  for (const line of wordsOf(check)) text.appendText(line).appendMarkdown('\n\n');
  if (place) text.appendMarkdown(`[Open the line](${place.uri}#L${place.line + 1})`);
  return text;
}
