/** Starting and stopping jobs: trust, unsaved text, and what it may cost, all before anything runs. */

import * as vscode from 'vscode';

import type { Estimate, Run } from './protocol';
import type { Repos } from './repos';
import type { Connection } from './server/connection';
import { saveBeforeJob } from './ui/saving';
import { Declined } from './ui/telling';
import { timeOf } from './ui/words';

type Given = Record<string, unknown>;

const STARTS = new Set(['improve', 'train', 'diagnose', 'askUsers', 'followUser', 'propose', 'tune', 'evolve', 'verify', 'completeAdapter', 'askLlm'].map((name) => `evolverec.${name}`));
const LEAST_TRIALS = 3;
const USUAL_TRIALS = 24;

export class Jobs {
  constructor(
    private readonly connection: Connection,
    private readonly repos: Repos,
  ) {}

  starts(command: string): boolean {
    return STARTS.has(command);
  }

  /** Raises Declined where the user would rather not. */
  async start(command: string, given: Given): Promise<unknown> {
    if (!(await trusted())) throw new Declined('restricted mode');
    const repo = typeof given['repo'] === 'string' ? given['repo'] : (await this.repos.choose())?.repo;
    if (!repo) throw new Declined('no repo picked');
    let asked: Given = { ...given, repo };
    if (command === 'evolverec.evolve' && !('trials' in given) && !('resume' in given)) {
      asked = { ...asked, ...(await this.askEvolve(repo)) };
    }
    if (command === 'evolverec.askUsers') await this.confirmUsers(repo);
    if (await saveBeforeJob(repo)) asked['onDisk'] = true;
    const started = await this.connection.execute(command, asked);
    this.repos.renew();
    return started;
  }

  /** Measures weights that the user has, instead of training. Only the server's sandboxed worker opens the file. */
  async diagnoseCheckpoint(): Promise<unknown> {
    const repo = (await this.repos.choose())?.repo;
    if (!repo) throw new Declined('no repo picked');
    const picked = await vscode.window.showOpenDialog({
      title: 'Diagnose a Checkpoint',
      openLabel: 'Diagnose',
      canSelectMany: false,
      defaultUri: vscode.Uri.file(repo),
      filters: { Checkpoints: ['pt', 'pth', 'ckpt', 'bin', 'safetensors', 'npz', 'pkl'], 'All files': ['*'] },
    });
    const checkpoint = picked?.[0]?.fsPath;
    if (!checkpoint) throw new Declined('no checkpoint picked');
    return await this.start('evolverec.diagnose', { repo, checkpoint });
  }

  /** Whole sessions of simulated users; the report tells one of them page by page. */
  async followUser(): Promise<unknown> {
    const repo = (await this.repos.choose())?.repo;
    if (!repo) throw new Declined('no repo picked');
    const user = await vscode.window.showInputBox({
      title: 'Follow a User',
      prompt: 'Whose session shall the report tell? His id, as your log has it.',
      placeHolder: 'Empty: figures of all users alone',
      ignoreFocusOut: true,
    });
    if (user === undefined) throw new Declined('no user named');
    return await this.start('evolverec.followUser', { repo, ...(user.trim() ? { user: user.trim() } : {}) });
  }

  async cancel(): Promise<void> {
    const running = this.repos.known.flatMap((repo) => repo.jobs.map((job) => ({ label: job.label, description: repo.name, repo: repo.repo, job: job.job })));
    if (running.length === 0) throw new Error('nothing runs');
    const [only] = running;
    const picked = running.length === 1 ? only : await vscode.window.showQuickPick(running, { title: 'Cancel', placeHolder: 'Which job to cancel' });
    if (picked) await this.connection.execute('evolverec.cancel', { repo: picked.repo, job: picked.job });
  }

  /** Offers that the LLM, where one is set, completes what the set-up of a folder left open. */
  async offerToComplete(repo: string, text: string): Promise<void> {
    const cost = await this.estimate(repo).catch(() => undefined); // without an answer nothing can be offered
    if (!cost?.model) return void vscode.window.showInformationMessage(text);
    const ask = `Ask ${cost.model}`;
    const sent = 'It is sent the code of this folder and the draft; what it answers is tried in the sandbox until it passes.';
    const picked = await vscode.window.showInformationMessage(`${text} The LLM ${cost.model} can fill them in. ${sent} ${cost.adapter}`, ask);
    if (picked === ask) await this.start('evolverec.completeAdapter', { repo });
  }

  async stop(repo: string, run: Run): Promise<void> {
    await this.connection.execute('evolverec.cancel', { repo, job: run.job });
  }

  async resume(repo: string, run: Run): Promise<void> {
    await this.start('evolverec.evolve', { repo, resume: run.id });
  }

  /** Trials, and dollars where an LLM is set, with what it is likely to cost. */
  private async askEvolve(repo: string): Promise<Given> {
    const cost = await this.estimate(repo);
    const time = timeOf(USUAL_TRIALS, cost.trialSeconds, cost.slots);
    const title = cost.model ? `Evolve, with the LLM ${cost.model}` : 'Evolve, with recipes: no LLM is set, so it costs time only';
    const trials = await vscode.window.showInputBox({
      title,
      prompt: ['How many candidates to train at most?', time && `${time}.`, cost.evolve].filter(Boolean).join(' '),
      value: String(USUAL_TRIALS),
      ignoreFocusOut: true,
      validateInput: (text) =>
        /^\d+$/.test(text.trim()) && Number(text) >= LEAST_TRIALS ? undefined : `A whole number, at least ${LEAST_TRIALS}`,
    });
    if (trials === undefined) throw new Declined('no number of trials given');
    if (!cost.model) return { trials: Number(trials) };
    const dollars = await vscode.window.showInputBox({
      title,
      prompt: `How many dollars for the LLM at most? ${cost.evolve}${cost.priced ? '' : ' No price of this model is set, so dollars cannot be limited: leave it empty.'}`,
      placeHolder: 'Empty: no limit in dollars',
      ignoreFocusOut: true,
      validateInput: (text) => (text.trim() === '' || (Number(text) > 0 && Number.isFinite(Number(text))) ? undefined : 'A number of dollars above 0, or empty for no limit'),
    });
    if (dollars === undefined) throw new Declined('no budget given');
    return { trials: Number(trials), ...(dollars.trim() ? { budgetUsd: Number(dollars) } : {}) };
  }

  /** Where an LLM plays some of them, that costs. */
  private async confirmUsers(repo: string): Promise<void> {
    const cost = await this.estimate(repo);
    if (!cost.model) return;
    const ask = 'Ask Users';
    const picked = await vscode.window.showInformationMessage(
      `Some users are played by the LLM ${cost.model}.`,
      { modal: true, detail: cost.users },
      ask,
    );
    if (picked !== ask) throw new Declined('users not asked');
  }

  private async estimate(repo: string): Promise<Estimate> {
    return await this.connection.request<Estimate>('evolverec/estimate', { repo });
  }
}

/** In restricted mode nothing of the folder is run, and the user is told where to change that. */
async function trusted(): Promise<boolean> {
  if (vscode.workspace.isTrusted) return true;
  const manage = 'Manage Workspace Trust';
  const picked = await vscode.window.showWarningMessage(
    'evolverec: this window is in restricted mode, so nothing of the folder is run. Trust the folder if you have read its code.',
    manage,
  );
  if (picked === manage) await vscode.commands.executeCommand('workbench.trust.manage');
  return false;
}
