/** Where the server and the repos' interpreter are, from settings, the Python extension, PATH and our own environment. */

import { realpath } from 'node:fs/promises';
import * as path from 'node:path';
import * as vscode from 'vscode';

import { candidates } from './candidates';
import type { Terms } from './connection';
import { environmentPython } from './environment';
import { liesInside } from './inside';
import { llmSet } from './llmKey';
import { firstServing, onPath, pythonFacts } from './probe';

export async function findTerms(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<Terms | { reasons: string[] }> {
  const settings = vscode.workspace.getConfiguration('evolverec');
  const interpreter = settings.get<string>('interpreter', '').trim();
  const selected = await mayStart(await pythonExtensionInterpreter(log), log);
  const cwd = context.globalStorageUri.fsPath;
  await vscode.workspace.fs.createDirectory(context.globalStorageUri);
  const [evolverec = ''] = await onPath(['evolverec']);
  const list = candidates({
    path: settings.get<string>('path', '').trim(),
    interpreter,
    pythonExtension: selected,
    ownEnvironment: await environmentPython(context),
    onPath: { evolverec, pythons: await onPath(['python3', 'python']) },
  });
  const found = await firstServing(list, cwd);
  if ('reasons' in found) return found;
  const python = interpreter || (await runsRepos(selected, cwd));
  return { serving: found.serving, python, extraArgs: settings.get<string[]>('args', []), environment: await llmSet(context), cwd };
}

/** In restricted mode an interpreter of the folder's own is not started, not even to ask what it holds: "" then. */
async function mayStart(python: string, log: vscode.LogOutputChannel): Promise<string> {
  if (!python || vscode.workspace.isTrusted) return python;
  const folders = (vscode.workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
  const places = [...folders, ...(await Promise.all(folders.map(real)))];
  const names = [python, await real(python), path.join(await real(path.dirname(python)), path.basename(python))];
  if (!liesInside(names, places)) return python;
  log.info(`${python} lies in a folder that is not trusted, and is not started`);
  return '';
}

async function real(file: string): Promise<string> {
  return await realpath(file).catch(() => file);
}

/** The selected interpreter where it can train; else "": the server then uses its own. */
async function runsRepos(selected: string, cwd: string): Promise<string> {
  if (!selected) return '';
  const facts = await pythonFacts(selected, cwd);
  return facts?.torch && facts.numpy ? selected : '';
}

interface PythonApi {
  environments: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { path: string };
    resolveEnvironment(environment: { path: string }): Promise<{ executable: { uri?: vscode.Uri } } | undefined>;
    onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

async function pythonApi(): Promise<PythonApi | undefined> {
  const extension = vscode.extensions.getExtension<PythonApi>('ms-python.python');
  const api = extension && (await extension.activate());
  return api?.environments ? api : undefined;
}

async function pythonExtensionInterpreter(log: vscode.LogOutputChannel): Promise<string> {
  try {
    const api = await pythonApi();
    if (!api) return '';
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const environment = await api.environments.resolveEnvironment(api.environments.getActiveEnvironmentPath(folder));
    return environment?.executable.uri?.fsPath ?? '';
  } catch (error) {
    log.warn(`the Python extension did not say which interpreter it uses: ${String(error)}`);
    return '';
  }
}

/**
 * Calls back when the user selects another interpreter there, and when that extension comes: restricted mode may hide it, and
 * it may be installed later.
 */
export class PythonExtensionWatch implements vscode.Disposable {
  private selection: vscode.Disposable | undefined;
  private looks: Promise<unknown> = Promise.resolve();
  private readonly arrivals: vscode.Disposable;

  constructor(private readonly changed: () => void) {
    this.arrivals = vscode.extensions.onDidChange(() => void this.look());
  }

  /** Watches from now on where the extension is there. */
  async begin(): Promise<void> {
    await this.subscribe();
  }

  dispose(): void {
    this.arrivals.dispose();
    this.selection?.dispose();
  }

  private async look(): Promise<void> {
    if (await this.subscribe()) this.changed();
  }

  /** Whether it is watched now and was not before. One look after the other: a look that is under way may have come too early. */
  private subscribe(): Promise<boolean> {
    const look = this.looks.then(async () => {
      if (this.selection) return false;
      try {
        this.selection = (await pythonApi())?.environments.onDidChangeActiveEnvironmentPath(this.changed);
      } catch {
        return false;
      }
      return this.selection !== undefined;
    });
    this.looks = look;
    return look;
  }
}
