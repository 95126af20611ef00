/**
 * Ticks the steps of the walkthrough, whatever way they were done. VS Code ticks a step when its condition becomes true, never
 * one whose condition held before VS Code first read the walkthrough, which is when somebody opens it. So each condition has
 * a key that is true for a moment only, whenever something changes or a tab is opened.
 */

import * as vscode from 'vscode';

import type { Repos } from '../repos';

const LOOK = 'evolverec.look';
const READ_MS = 1000; // until VS Code has read a walkthrough that is being opened

export function tickSteps(repos: Repos): vscode.Disposable {
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    timer ??= setTimeout(() => {
      timer = undefined;
      void look();
    }, READ_MS);
  };
  const subscriptions = [repos.onDidChange(soon), vscode.window.tabGroups.onDidChangeTabs(({ opened }) => opened.length > 0 && soon())];
  return new vscode.Disposable(() => {
    clearTimeout(timer);
    subscriptions.forEach((subscription) => subscription.dispose());
  });
}

async function look(): Promise<void> {
  for (const value of [true, false]) await vscode.commands.executeCommand('setContext', LOOK, value);
}
