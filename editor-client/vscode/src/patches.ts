/** What is done with a proposal: shown as a diff, applied whole or in parts, verified again, dismissed. */

import * as path from 'node:path';
import * as vscode from 'vscode';

import type { Hunk, HunksApplied, Proposal, Proposals } from './protocol';
import type { Repos } from './repos';
import type { Connection } from './server/connection';
import { PROPOSAL_SCHEME } from './server/documentContent';
import { noteOwnEdit, saveBeforePatch, tellUntilSaved } from './ui/saving';
import { Declined } from './ui/telling';
import { branchName } from './views/hunks';
import { diffTitle } from './views/findingsTree';
import { hunkAt, proposedLines } from './views/hunks';
import { hunkKey, measuredWords } from './views/proposalsTree';

export class Patches implements vscode.HoverProvider {
  /** Hunks that the user put aside in this window. */
  readonly skipped = new Set<string>();
  private readonly skippedChanged = new vscode.EventEmitter<void>();
  readonly onDidSkip = this.skippedChanged.event;

  constructor(
    private readonly connection: Connection,
    private readonly repos: Repos,
  ) {}

  async list(repo: string): Promise<Proposal[]> {
    return (await this.connection.request<Proposals>('evolverec/proposals', { repo })).proposals;
  }

  /** As the server knows it now. */
  async find(repo: string, id: string): Promise<Proposal> {
    const found = (await this.list(repo)).find((proposal) => proposal.id === id);
    if (!found) throw new Error('this patch is not among those for the code as last measured. Run propose again');
    return found;
  }

  async show(repo: string, id: string, at?: { path: string; hunk?: number }): Promise<void> {
    const proposal = await this.find(repo, id);
    const file = proposal.files.find((candidate) => candidate.path === at?.path) ?? proposal.files[0];
    if (!file) throw new Error('this patch changes no file');
    if (proposal.files.length > 1 && !at) {
      const all = proposal.files.map((one) => [vscode.Uri.parse(one.uri), vscode.Uri.parse(one.uri), vscode.Uri.parse(one.proposed)]);
      await vscode.commands.executeCommand('vscode.changes', diffTitle(proposal), all);
      return;
    }
    const proposed = vscode.Uri.parse(file.proposed);
    const lines = proposedLines(file.hunks)[at?.hunk ?? 0];
    const options: vscode.TextDocumentShowOptions = {
      preview: true,
      ...(lines ? { selection: new vscode.Range(lines.start, 0, lines.start, 0) } : {}),
    };
    const current = vscode.Uri.parse(file.uri);
    if (await exists(current)) await vscode.commands.executeCommand('vscode.diff', current, proposed, diffTitle(proposal, path.posix.basename(file.path)), options);
    else await vscode.window.showTextDocument(proposed, options); // a new file has nothing to differ from
  }

  /** What was measured of the patch that makes this text, and how it was compared. */
  async provideHover(document: vscode.TextDocument): Promise<vscode.Hover | undefined> {
    const address = parseAddress(document.uri);
    return address && new vscode.Hover(new vscode.MarkdownString(measuredWords(await this.find(address.repo, address.id))));
  }

  /** All of it, but for hunks that were put aside. */
  async apply(repo: string, id: string): Promise<void> {
    const proposal = await this.find(repo, id);
    const left = proposal.files.some((file) => file.hunks.some((_, index) => this.isSkipped(proposal, file.path, index)));
    if (left) return await this.applyRest(repo, proposal);
    const uris = proposal.files.map((file) => vscode.Uri.parse(file.uri));
    await saveBeforePatch(uris);
    await this.connection.execute('evolverec.apply', { repo, proposal: id });
    noteOwnEdit(uris);
    await this.reveal(proposal);
    tellUntilSaved(uris);
    void this.offer(repo, `Applied ${proposal.title}.`, uris[0]);
  }

  /** After text was changed: what goes on from there, and the way back, in the file that was changed: another may be in front by then. */
  private async offer(repo: string, message: string, changed: vscode.Uri | undefined): Promise<void> {
    const [train, undo] = ['Train Now', 'Undo'];
    const version = changed && (await vscode.workspace.openTextDocument(changed)).version;
    const picked = await vscode.window.showInformationMessage(`evolverec: ${message}`, train, undo);
    if (picked === train) await vscode.commands.executeCommand('evolverec.train', { repo });
    if (picked === undo && changed) {
      const { document } = await vscode.window.showTextDocument(changed);
      // The button stays while the user goes on typing: it must not take that back.
      if (document.version === version) await vscode.commands.executeCommand('undo');
      else void vscode.window.showInformationMessage(`evolverec: nothing was undone, as ${path.posix.basename(changed.path)} was edited after that. Undo in the editor goes back step by step.`);
    }
  }

  private async applyRest(repo: string, proposal: Proposal): Promise<void> {
    let taken = 0;
    for (const file of proposal.files) {
      const wanted = file.hunks.flatMap((hunk, index) => (open(hunk) && !this.isSkipped(proposal, file.path, index) ? [index] : []));
      if (wanted.length > 0) await this.take(repo, proposal.id, file.path, wanted);
      taken += wanted.length;
    }
    if (taken === 0) throw new Error('no change of this patch is left to take: each was taken, skipped, or does not fit. "Do Not Skip This Change" brings one back');
  }

  /** Write these hunks of one file. */
  async take(repo: string, id: string, file: string, hunks: readonly number[]): Promise<void> {
    const proposal = await this.find(repo, id);
    const target = proposal.files.find((candidate) => candidate.path === file);
    if (!target) throw new Error(`this patch does not change ${file}`);
    const uri = vscode.Uri.parse(target.uri);
    await saveBeforePatch([uri]);
    const done = await this.connection.execute<HunksApplied>('evolverec.applyHunks', { repo, proposal: id, path: file, hunks });
    noteOwnEdit([uri]);
    hunks.forEach((hunk) => this.skipped.delete(hunkKey(id, file, hunk)));
    this.skippedChanged.fire();
    void this.offer(repo, done.message, uri);
  }

  async copyPullRequest(repo: string, id: string): Promise<void> {
    const { text } = await this.connection.execute<{ text: string }>('evolverec.pullRequest', { repo, proposal: id });
    await vscode.env.clipboard.writeText(text);
    void vscode.window.showInformationMessage('evolverec: the text of a pull request is in the clipboard; its first line is the title.');
  }

  /** On top of the last commit; what is checked out and the files stay as they are. */
  async newBranch(repo: string, id: string): Promise<void> {
    const proposal = await this.find(repo, id);
    const name = await vscode.window.showInputBox({
      title: `New Branch from ${proposal.title}`,
      prompt: 'The patch is committed to it, on top of the last commit. Your files stay as they are.',
      value: branchName(proposal.title),
      ignoreFocusOut: true,
    });
    if (!name) throw new Declined('no name given');
    await this.connection.execute('evolverec.branch', { repo, proposal: id, branch: name });
    const copy = 'Copy as Pull-Request Text';
    const picked = await vscode.window.showInformationMessage(`evolverec: committed to the new branch ${name}. Your files are as they were.`, copy);
    if (picked === copy) await this.copyPullRequest(repo, id);
  }

  skip(proposal: Proposal, file: string, hunk: number, aside: boolean): void {
    const key = hunkKey(proposal.id, file, hunk);
    if (aside) this.skipped.add(key);
    else this.skipped.delete(key);
    this.skippedChanged.fire();
  }

  /** Ask which hunks to take, by keyboard. */
  async takeSome(repo: string, id: string): Promise<void> {
    const proposal = await this.find(repo, id);
    const items = proposal.files.flatMap((file) =>
      file.hunks.flatMap((hunk, index) =>
        open(hunk)
          ? [
              {
                label: `${file.path}, line ${hunk.startLine + 1}`,
                detail: (hunk.new || hunk.old).trim().split('\n', 1)[0] ?? '',
                picked: !this.isSkipped(proposal, file.path, index),
                file: file.path,
                index,
              },
            ]
          : [],
      ),
    );
    if (items.length === 0) throw new Error('no change of this patch is left to take');
    const picked = await vscode.window.showQuickPick(items, { canPickMany: true, title: proposal.title, placeHolder: 'Which changes to take' });
    for (const file of new Set(picked?.map((item) => item.file))) {
      await this.take(repo, id, file, (picked ?? []).filter((item) => item.file === file).map((item) => item.index));
    }
  }

  /** The hunk at the cursor of a proposed file. */
  async takeHere(): Promise<void> {
    const { repo, id, file, hunk } = await this.here();
    await this.take(repo, id, file, [hunk]);
  }

  async here(): Promise<{ repo: string; id: string; file: string; hunk: number; proposal: Proposal }> {
    const editor = vscode.window.activeTextEditor;
    const address = editor && parseAddress(editor.document.uri);
    if (!editor || !address) throw new Error('put the cursor into the proposed side of a diff first');
    const proposal = await this.find(address.repo, address.id);
    const target = proposal.files.find((candidate) => candidate.path === address.file);
    const hunk = hunkAt(target?.hunks ?? [], editor.selection.active.line);
    if (hunk < 0) throw new Error('no change of this patch is here');
    return { ...address, hunk, proposal };
  }

  async verify(repo: string, id: string): Promise<void> {
    await vscode.commands.executeCommand('evolverec.verify', { repo, proposal: id });
  }

  async dismiss(repo: string, id: string): Promise<void> {
    await this.connection.execute('evolverec.dismiss', { repo, proposal: id });
    this.repos.renew();
  }

  private isSkipped(proposal: Proposal, file: string, hunk: number): boolean {
    return this.skipped.has(hunkKey(proposal.id, file, hunk));
  }

  private async reveal(proposal: Proposal): Promise<void> {
    const [file] = proposal.files;
    const [hunk] = file?.hunks ?? [];
    if (!file || !hunk) return;
    const at = new vscode.Range(hunk.startLine, 0, hunk.startLine, 0);
    await vscode.window.showTextDocument(vscode.Uri.parse(file.uri), { selection: at, preview: false });
  }
}

function open(hunk: Hunk): boolean {
  return !hunk.taken && !hunk.unfit;
}

/** What `evolverec-proposal:/ID/path?ROOT` names; undefined for any other address. */
export function parseAddress(uri: vscode.Uri): { repo: string; id: string; file: string } | undefined {
  const [, id, file] = /^\/([^/]+)\/(.+)$/.exec(uri.path) ?? [];
  return uri.scheme === PROPOSAL_SCHEME && id && file ? { repo: uri.query, id, file } : undefined;
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}
