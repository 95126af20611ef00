/** An environment of our own, in the extension's storage, for those who have none with evolverec. */

import { spawn } from 'node:child_process';
import * as path from 'node:path';
import * as vscode from 'vscode';

import { OLDEST_PYTHON, onPath, pythonFacts } from './probe';

const PYTHONS = ['python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
const WORDS_KEPT = 4; // last lines of a failed command that are worth reading

function folder(context: vscode.ExtensionContext): vscode.Uri {
  return vscode.Uri.joinPath(context.globalStorageUri, 'environment');
}

function pythonIn(environment: vscode.Uri): vscode.Uri {
  return process.platform === 'win32'
    ? vscode.Uri.joinPath(environment, 'Scripts', 'python.exe')
    : vscode.Uri.joinPath(environment, 'bin', 'python');
}

/** "" where none was made. */
export async function environmentPython(context: vscode.ExtensionContext): Promise<string> {
  const python = pythonIn(folder(context));
  try {
    await vscode.workspace.fs.stat(python);
    return python.fsPath;
  } catch {
    return '';
  }
}

/**
 * Make it, with progress and cancel. False where the user cancelled; a half-made one is removed.
 * Raises an error in words where it cannot be made.
 */
export async function makeEnvironment(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Promise<boolean> {
  const what = await packageToInstall(context);
  if (!what) return false;
  const base = await basePython(context);
  const where = folder(context);
  const options = { location: vscode.ProgressLocation.Notification, title: 'evolverec', cancellable: true };
  return await vscode.window.withProgress(options, async (progress, token) => {
    const python = pythonIn(where).fsPath;
    try {
      progress.report({ message: `making an environment with ${base}` });
      await carryOut(base, ['-m', 'venv', '--clear', where.fsPath], log, token, 'on Debian and Ubuntu, `sudo apt install python3-venv` brings what it needs');
      progress.report({ message: `installing ${path.basename(what.name)}, some hundred megabytes with PyTorch` });
      const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', ...what.constraints, what.name];
      await carryOut(python, install, log, token, 'see the log; the setting evolverec.package names another package or folder');
      return true;
    } catch (error) {
      await vscode.workspace.fs.delete(where, { recursive: true }).then(undefined, () => undefined);
      if (token.isCancellationRequested) return false;
      throw error;
    }
  });
}

interface Package {
  name: string;
  /** Arguments of pip that pin the versions of what it needs, where they are known. */
  constraints: string[];
}

/** The setting, else the wheel that came with this extension; never a name that the user did not give. */
async function packageToInstall(context: vscode.ExtensionContext): Promise<Package | undefined> {
  const set = vscode.workspace.getConfiguration('evolverec').get<string>('package', '').trim();
  if (set) return { name: set, constraints: [] };
  const inside = vscode.Uri.joinPath(context.extensionUri, 'wheel');
  try {
    const [wheel] = (await vscode.workspace.fs.readDirectory(inside)).map(([name]) => name).filter((name) => name.endsWith('.whl'));
    if (wheel) {
      const pinned = vscode.Uri.joinPath(inside, 'constraints.txt').fsPath;
      return { name: `${vscode.Uri.joinPath(inside, wheel).fsPath}[torch]`, constraints: ['--constraint', pinned] };
    }
  } catch {
    // built without a wheel
  }
  const name = await vscode.window.showInputBox({
    title: 'evolverec: make an environment',
    prompt: 'This build of the extension came without evolverec. Which package is to be installed: a folder, a wheel, or a name for pip?',
    placeHolder: '/path/to/evolverec[torch]',
    ignoreFocusOut: true,
  });
  return name ? { name, constraints: [] } : undefined;
}

async function basePython(context: vscode.ExtensionContext): Promise<string> {
  for (const python of await onPath(PYTHONS)) {
    const facts = await pythonFacts(python, context.globalStorageUri.fsPath);
    if (facts && (facts.version[0] > OLDEST_PYTHON[0] || (facts.version[0] === OLDEST_PYTHON[0] && facts.version[1] >= OLDEST_PYTHON[1]))) {
      return python;
    }
  }
  throw new Error(`no Python ${OLDEST_PYTHON.join('.')} or later is on PATH. Install one, then try again; or choose an interpreter that has evolverec`);
}

/** Raises an error with the command's last words. */
function carryOut(program: string, args: string[], log: vscode.LogOutputChannel, token: vscode.CancellationToken, help: string): Promise<void> {
  log.info([program, ...args].join(' '));
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true });
    const said: string[] = [];
    const hear = (data: Buffer) => {
      for (const line of data.toString().split(/\r?\n/).filter((text) => text.trim() !== '')) {
        log.info(line);
        said.push(line);
        if (said.length > WORDS_KEPT) said.shift();
      }
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    const cancelled = token.onCancellationRequested(() => child.kill());
    const end = (problem: string) => {
      cancelled.dispose();
      if (problem) reject(new Error(`${problem}: ${said.join(' ')}; ${help}`));
      else resolve();
    };
    child.on('error', (error) => end(`${program} does not run (${error.message})`));
    child.on('close', (code) => end(code === 0 ? '' : `${path.basename(program)} ${args.slice(0, 3).join(' ')} failed`));
  });
}
