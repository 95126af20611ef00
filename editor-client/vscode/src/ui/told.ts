/**
 * What jobs have brought, told once, with the buttons that go on from there. VS Code gives extensions no notifications of the
 * system, so what happens while the window is not in focus waits until it is.
 */

import * as vscode from 'vscode';

import type { Told } from '../protocol';
import type { Connection } from '../server/connection';
import { type Button, buttonsOf, isWanted, stillNews } from './buttons';
import { telling } from './telling';

export class Tellings implements vscode.Disposable {
  private readonly subscriptions: vscode.Disposable[];
  private held: Told[] = [];

  constructor(connection: Connection) {
    this.subscriptions = [
      connection.onDidTell((told) => {
        if (vscode.window.state.focused) void this.show(told);
        else this.held.push(told);
      }),
      vscode.window.onDidChangeWindowState(({ focused }) => {
        if (!focused) return;
        const waiting = stillNews(this.held);
        this.held = [];
        for (const told of waiting) void this.show(told);
      }),
    ];
  }

  private async show(told: Told): Promise<void> {
    const wanted = vscode.workspace.getConfiguration('evolverec').get<string>('notifications', 'all');
    if (!isWanted(told, wanted)) return;
    const message = `evolverec: ${told.message}`;
    const buttons = buttonsOf(told);
    const titles = buttons.map((button) => button.title);
    const picked = told.level === 'error' ? await vscode.window.showErrorMessage(message, ...titles) : await vscode.window.showInformationMessage(message, ...titles);
    const button = buttons.find((one) => one.title === picked);
    if (button) await press(button);
  }

  dispose(): void {
    this.subscriptions.forEach((subscription) => subscription.dispose());
  }
}

const press = telling(async (button: Button) => {
  const { action } = button;
  switch (action.do) {
    case 'command':
      return void (await vscode.commands.executeCommand(action.command, ...action.given));
    case 'open': {
      const at = new vscode.Range(action.line, 0, action.line, 0);
      return void (await vscode.window.showTextDocument(vscode.Uri.parse(action.uri), { selection: at }));
    }
    case 'type': {
      // Left for the user to enter: what is installed where is theirs to decide.
      const terminal = vscode.window.createTerminal({ name: 'evolverec' });
      terminal.show();
      terminal.sendText(action.text, false);
    }
  }
});
