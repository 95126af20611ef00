/** Where the server and the repos' interpreter are, from settings, the Python extension, PATH and our own environment. */

import * as vscode from 'vscode';

import { candidates } from './candidates';
import type { Terms } from './connection';
import { environmentPython } from './environment';
import { firstServing, onPath, pythonFacts } from './probe';

export async function findTerms(
  context: vscode.ExtensionContext,
  log: vscode.LogOutputChannel,
): Promise<Terms | { reasons: string[] }> {
  const settings = vscode.workspace.getConfiguration('evolverec');
  const interpreter = settings.get<string>('interpreter', '').trim();
  const selected = await pythonExtensionInterpreter(log);
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
  return { serving: found.serving, python, extraArgs: settings.get<string[]>('args', []), cwd };
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

/** Calls back when the user selects another interpreter there. */
export async function watchPythonExtension(changed: () => void): Promise<vscode.Disposable | undefined> {
  try {
    return (await pythonApi())?.environments.onDidChangeActiveEnvironmentPath(changed);
  } catch {
    return undefined;
  }
}
