/** No evolverec was found: what the user can do about it. */

import * as vscode from 'vscode';

import type { Connection } from './connection';
import { makeEnvironment } from './environment';
import { onPath, pythonFacts } from './probe';

const MAKE = 'Install Server';
const CHOOSE = 'Choose Interpreter';
const LOG = 'Open Log';

/** Whether a server runs in the end. */
export async function offerHelp(connection: Connection): Promise<boolean> {
  if (connection.state.kind !== 'missing') return connection.running;
  const named = vscode.workspace.getConfiguration('evolverec').get<string>('path', '');
  const why = named ? `the setting evolverec.path does not serve: ${connection.state.reasons[0] ?? named}` : 'no evolverec was found on this machine';
  const picked = await vscode.window.showWarningMessage(`evolverec: ${why}.`, MAKE, CHOOSE, LOG);
  if (picked === MAKE) await vscode.commands.executeCommand('evolverec.ui.makeEnvironment');
  if (picked === CHOOSE) await vscode.commands.executeCommand('evolverec.ui.chooseInterpreter');
  if (picked === LOG) await vscode.commands.executeCommand('evolverec.ui.showLog');
  return connection.running;
}

export async function makeAndUse(context: vscode.ExtensionContext, log: vscode.LogOutputChannel, connection: Connection): Promise<void> {
  if (!(await makeEnvironment(context, log))) return;
  await connection.restart();
  if (connection.running) {
    void vscode.window.showInformationMessage('evolverec: the environment is ready, and the server runs in it.');
  } else {
    await offerHelp(connection);
  }
}

interface Choice extends vscode.QuickPickItem {
  program?: string;
}

/** Writes the user's setting, which starts the server anew. */
export async function chooseInterpreter(context: vscode.ExtensionContext): Promise<void> {
  const cwd = context.globalStorageUri.fsPath;
  const programs = await onPath(['evolverec', 'python3', 'python', 'python3.13', 'python3.12', 'python3.11']);
  const choices: Choice[] = [];
  for (const program of programs) {
    const facts = program.includes('python') ? await pythonFacts(program, cwd) : undefined;
    const holds = facts ? `Python ${facts.version.join('.')}, ${facts.evolverec ? 'has evolverec' : 'without evolverec'}` : 'evolverec';
    choices.push({ label: program, description: holds, program });
  }
  choices.push({ label: '$(folder-opened) Browse…', description: 'a Python that has evolverec, or an evolverec executable' });
  choices.push({ label: '$(add) Make an environment…', description: 'by this extension, in its own storage' });
  const picked = await vscode.window.showQuickPick(choices, { title: 'evolverec: the server', placeHolder: 'What is to run the server?' });
  if (!picked) return;
  if (picked.label.startsWith('$(add)')) return void (await vscode.commands.executeCommand('evolverec.ui.makeEnvironment'));
  const program = picked.program ?? (await browse());
  if (program) await vscode.workspace.getConfiguration('evolverec').update('path', program, vscode.ConfigurationTarget.Global);
}

async function browse(): Promise<string | undefined> {
  const [file] = (await vscode.window.showOpenDialog({ title: 'A Python that has evolverec, or an evolverec executable', openLabel: 'Use It' })) ?? [];
  return file?.fsPath;
}
