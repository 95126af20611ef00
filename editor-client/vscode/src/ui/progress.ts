/** The server's progress as notifications that can be cancelled; the library would hide them in the status bar. */

import * as vscode from 'vscode';
import type { WorkDoneProgressBegin, WorkDoneProgressEnd, WorkDoneProgressReport } from 'vscode-languageclient/node';

type Value = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;
type Shown = { report: (value: WorkDoneProgressBegin | WorkDoneProgressReport) => void; end: () => void };

export class JobProgress implements vscode.Disposable {
  private readonly shown = new Map<string, Shown>();

  constructor(private readonly cancel: (token: string) => void) {}

  handle(token: string, value: Value): void {
    if (value.kind === 'begin') this.begin(token, value);
    if (value.kind === 'report') this.shown.get(token)?.report(value);
    if (value.kind === 'end') this.end(token);
  }

  /** The server is gone: the next one takes the running jobs up and begins anew. */
  clear(): void {
    for (const token of [...this.shown.keys()]) this.end(token);
  }

  dispose(): void {
    this.clear();
  }

  private begin(token: string, begin: WorkDoneProgressBegin): void {
    this.end(token);
    const options = { location: vscode.ProgressLocation.Notification, title: begin.title, cancellable: begin.cancellable ?? false };
    void vscode.window.withProgress(
      options,
      (progress, cancelled) =>
        new Promise<void>((resolve) => {
          let done = 0;
          cancelled.onCancellationRequested(() => this.cancel(token));
          this.shown.set(token, {
            report: (value) => {
              const increment = value.percentage === undefined ? 0 : Math.max(0, value.percentage - done);
              done += increment;
              progress.report({ increment, ...(value.message ? { message: value.message } : {}) });
            },
            end: resolve,
          });
        }),
    );
  }

  private end(token: string): void {
    this.shown.get(token)?.end();
    this.shown.delete(token);
  }
}
