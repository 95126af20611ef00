/** Which finding or patch a command is about that was asked for by the palette or a key, where there is no row. */

import * as vscode from 'vscode';

import type { Patches } from '../patches';
import type { Finding, Findings } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { type Choice, findingChoices, patchChoices } from '../views/asked';
import { Declined } from './telling';

export class Asking {
  constructor(
    private readonly connection: Connection,
    private readonly repos: Repos,
    private readonly patches: Patches,
  ) {}

  /** Raises Declined where none is picked. */
  async finding(title: string): Promise<{ subject: { kind: 'finding'; repo: string; finding: Finding } }> {
    const editor = vscode.window.activeTextEditor;
    const cursor = editor && { uri: editor.document.uri.toString(), line: editor.selection.active.line };
    const repo = await this.repo();
    const choices = findingChoices(await this.connection.request<Findings>('evolverec/findings', { repo }), cursor);
    if (choices.length === 0) throw new Error('no finding is known of this code. Train and Diagnose look for them');
    return { subject: { kind: 'finding', repo, finding: await pick(choices, title, 'Which finding?') } };
  }

  /** open: only a patch whose changes can still be taken. Raises Declined where none is picked. */
  async patch(title: string, open: boolean): Promise<{ repo: string; proposal: string }> {
    const repo = await this.repo();
    const choices = patchChoices(await this.patches.list(repo), open);
    if (choices.length === 0) throw new Error(`no patch of this code ${open ? 'is open and fits it as it is now' : 'is known'}. Propose Patches makes them`);
    return { repo, proposal: (await pick(choices, title, 'Which patch?')).id };
  }

  private async repo(): Promise<string> {
    const found = await this.repos.choose();
    if (!found) throw new Declined('no repo picked');
    return found.repo;
  }
}

async function pick<T>(choices: Choice<T>[], title: string, placeHolder: string): Promise<T> {
  const picked = await vscode.window.showQuickPick(choices, { title, placeHolder, matchOnDescription: true, matchOnDetail: true });
  if (!picked) throw new Declined('nothing picked');
  return picked.of;
}
