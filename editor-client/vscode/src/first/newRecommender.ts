/** A new recommender: made by the server, opened, and trained. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import type { Jobs } from '../jobs';
import type { Choices, NewRepo } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { warnOfMissing } from '../ui/doctor';
import { tell } from '../ui/telling';
import { isEmpty } from './folders';
import { entryOf, extensionsOf, lineOf } from './template';

const TRAIN_IN = 'evolverec.trainIn'; // a repo that is to be trained once its window is open
const FOUND_MS = 15_000;

interface DataChoice extends vscode.QuickPickItem {
  data?: string;
}

export class NewRecommender {
  constructor(
    private readonly context: vscode.ExtensionContext,
    private readonly connection: Connection,
    private readonly repos: Repos,
    private readonly jobs: Jobs,
  ) {}

  async make(): Promise<void> {
    const choices = await choicesOf(this.connection);
    const seed = await chosenSeed(choices.seeds);
    if (!seed) return;
    const picked = await vscode.window.showQuickPick(dataOf(choices), { title: `New recommender (${seed.title})`, placeHolder: 'On which data?' });
    const data = picked && (picked.data ?? (await ownLog(choices.logs)));
    if (!data) return;
    const folder = await this.folder();
    if (!folder) return;
    const made = await this.connection.execute<NewRepo>('evolverec.newRepo', { folder: folder.fsPath, seed: seed.name, data });
    const uri = vscode.Uri.file(made.repo);
    if (vscode.workspace.getWorkspaceFolder(uri)) return await this.train(uri);
    await this.context.globalState.update(TRAIN_IN, made.repo);
    await vscode.commands.executeCommand('vscode.openFolder', uri);
  }

  /** In the window that was opened for it. */
  async goOn(): Promise<void> {
    const repo = this.context.globalState.get<string>(TRAIN_IN);
    if (!repo || !vscode.workspace.workspaceFolders?.some((folder) => folder.uri.fsPath === repo)) return;
    await this.context.globalState.update(TRAIN_IN, undefined);
    await this.train(vscode.Uri.file(repo));
  }

  /** In restricted mode the user is told so; once the folder is trusted, it goes on by itself. */
  private async train(repo: vscode.Uri): Promise<void> {
    await openEntry(repo);
    void warnOfMissing(this.connection, repo.fsPath);
    await this.found(repo.fsPath);
    const start = () => this.jobs.start('evolverec.train', { repo: repo.fsPath });
    if (!vscode.workspace.isTrusted) {
      const once = vscode.workspace.onDidGrantWorkspaceTrust(() => {
        once.dispose();
        start().catch(tell);
      });
      this.context.subscriptions.push(once);
    }
    await start();
  }

  /** Waits until the server has seen the new repo. */
  private async found(repo: string): Promise<void> {
    const until = Date.now() + FOUND_MS;
    while (!this.repos.known.some((known) => known.repo === repo) && Date.now() < until) {
      this.repos.renew();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
  }

  private async folder(): Promise<vscode.Uri | undefined> {
    const [first] = vscode.workspace.workspaceFolders ?? [];
    if (first && vscode.workspace.workspaceFolders?.length === 1 && (await isEmpty(first.uri))) return first.uri;
    const [parent] = (await vscode.window.showOpenDialog({ canSelectFolders: true, canSelectFiles: false, title: 'Where is the new recommender to be?', openLabel: 'Make It Here' })) ?? [];
    if (!parent || (await isEmpty(parent))) return parent;
    const name = await vscode.window.showInputBox({
      title: 'New recommender',
      prompt: `Name of the new folder in ${parent.fsPath}`,
      value: 'my-recommender',
      validateInput: (text) => (text.trim() !== '' && path.basename(text) === text ? undefined : 'A name without slashes'),
    });
    return name ? vscode.Uri.joinPath(parent, name) : undefined;
  }
}

/** What a new recommender can be made of, as the server says. */
export function choicesOf(connection: Connection): Promise<Choices> {
  return connection.request<Choices>('evolverec/choices');
}

/** The user is asked where there are several. */
async function chosenSeed(seeds: Choices['seeds']): Promise<Choices['seeds'][number] | undefined> {
  if (seeds.length === 1) return seeds[0];
  const items = seeds.map((seed) => ({ label: seed.title, detail: seed.sentence, seed }));
  return (await vscode.window.showQuickPick(items, { title: 'New recommender', placeHolder: 'Which one to start from?' }))?.seed;
}

function dataOf(choices: Choices): DataChoice[] {
  return [
    ...choices.data.map(({ name, sentence }) => ({ label: name, description: sentence, data: name })),
    { label: '$(folder-opened) Your own log…', description: choices.logs.sentence },
  ];
}

async function ownLog(logs: Choices['logs']): Promise<string | undefined> {
  const [file] = (await vscode.window.showOpenDialog({ title: 'The log of interactions', openLabel: 'Use It', filters: { 'Logs': extensionsOf(logs.suffixes) } })) ?? [];
  return file?.fsPath;
}

/** The entry function, over which the lenses stand. */
async function openEntry(repo: vscode.Uri): Promise<void> {
  const config = vscode.Uri.joinPath(repo, 'evolverec.toml');
  const entry = entryOf(new TextDecoder().decode(await vscode.workspace.fs.readFile(config)));
  const document = await vscode.workspace.openTextDocument(entry ? vscode.Uri.joinPath(repo, entry.file) : config);
  const line = entry ? lineOf(document.getText(), entry.name) : 0;
  await vscode.window.showTextDocument(document, { preview: false, selection: new vscode.Range(line, 0, line, 0) });
}
