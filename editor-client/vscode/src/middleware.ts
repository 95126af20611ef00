/** Between client and server: what lenses, quickfixes and palette start is asked for, guarded and shown the same way. */

import * as vscode from 'vscode';
import type { Middleware } from 'vscode-languageclient/node';

import type { Jobs } from './jobs';
import type { Patches } from './patches';
import type { JobProgress } from './ui/progress';
import { chosen } from './ui/choosing';
import { telling } from './ui/telling';
import { escape } from './views/node';

type Given = Record<string, unknown>;

export interface Parts {
  jobs: Jobs;
  patches: Patches;
  progress: JobProgress;
  /** Whether a job of this repo runs. */
  busy(repo: string): boolean;
  execute(command: string, argument: Given): Promise<unknown>;
}

/** parts: looked up when needed, since client and parts know each other. */
export function middleware(parts: () => Parts): Middleware {
  return {
    executeCommand: telling(async (command: string, args: unknown[]) => {
      const given = await chosen((args[0] ?? {}) as Given);
      const { jobs, patches, busy, execute } = parts();
      const { repo, proposal } = given;
      if (command === 'evolverec.explain') return await vscode.commands.executeCommand('evolverec.ui.explain', given);
      // The lens over `build` tells how far a job is, or what was measured last: a click shows the curves, or the trials.
      if (command === 'evolverec.status' && typeof repo === 'string') {
        if (busy(repo)) return await vscode.commands.executeCommand('evolverec.ui.curves', { repo });
        return await vscode.commands.executeCommand('evolverec.runs.focus');
      }
      if (jobs.starts(command)) return await jobs.start(command, given);
      if (typeof repo === 'string' && typeof proposal === 'string') {
        if (command === 'evolverec.preview') return await patches.show(repo, proposal);
        if (command === 'evolverec.apply') return await patches.apply(repo, proposal);
      }
      return await execute(command, given);
    }),
    // A quickfix goes the way of the view's own button: it asks before it meets unsaved text.
    provideCodeActions: async (document, range, context, token, next) => {
      const found = await next(document, range, context, token);
      return found?.map((action) => ('edit' in action || 'data' in action ? asCommand(action as Carrying) : action));
    },
    // The diagnostics on the line, each with a link to its page: a server's own Markdown may run no command.
    provideHover: async (document, position, token, next) => {
      const found = await next(document, position, token);
      const here = vscode.languages.getDiagnostics(document.uri).filter((one) => one.source === 'evolverec' && one.range.contains(position));
      const codes = [...new Set(here.map(codeOf))].filter((code) => code !== '' && code !== 'config');
      return found && codes.length > 0 ? new vscode.Hover([...found.contents, links(document.uri, codes)], found.range) : found;
    },
    resolveCodeAction: async (action, token, next) => ((action as Carrying).data ? await next(action, token) : action),
    handleWorkDoneProgress: (token, value) => parts().progress.handle(String(token), value),
  };
}

function codeOf(diagnostic: vscode.Diagnostic): string {
  const { code } = diagnostic;
  return String(typeof code === 'object' ? code.value : (code ?? ''));
}

function links(uri: vscode.Uri, codes: readonly string[]): vscode.MarkdownString {
  const link = (code: string) => `[Explain ${escape(code)}](command:evolverec.ui.explain?${encodeURIComponent(JSON.stringify([{ repo: uri.toString(), code }]))})`;
  const text = new vscode.MarkdownString(codes.map(link).join(' | '));
  text.isTrusted = { enabledCommands: ['evolverec.ui.explain'] };
  return text;
}

interface Carrying extends vscode.CodeAction {
  data?: { repo?: unknown; proposal?: unknown } | undefined;
}

function asCommand(action: Carrying): vscode.CodeAction {
  const { data } = action;
  if (typeof data?.repo !== 'string' || typeof data.proposal !== 'string' || action.disabled) return action;
  action.command = { title: action.title, command: 'evolverec.ui.apply', arguments: [{ repo: data.repo, proposal: data.proposal }] };
  delete action.data;
  delete action.edit;
  return action;
}
