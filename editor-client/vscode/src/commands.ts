/** The extension's own commands. The server's are registered by the client; these have ids below `evolverec.ui`. */

import * as vscode from 'vscode';

import { type Named, pickLog } from './first/pickLog';
import type { NewRecommender } from './first/newRecommender';
import { setUp } from './first/setUp';
import type { Jobs } from './jobs';
import type { Patches } from './patches';
import type { Explained, Finding, Place } from './protocol';
import type { Repos } from './repos';
import type { Connection } from './server/connection';
import { askLlmKey } from './server/llmKey';
import { chooseInterpreter, makeAndUse, offerHelp } from './server/missing';
import { acceptFinding } from './ui/accepting';
import { Asking } from './ui/asking';
import { chosen } from './ui/choosing';
import { showDoctor } from './ui/doctor';
import type { CurvePanels } from './ui/curvePanels';
import type { ReportPanels } from './ui/report';
import { Again, Declined, telling } from './ui/telling';
import type { PersonaPages } from './views/personaPages';
import type { Node, Subject } from './views/node';
import type { Views } from './views/views';

/** What a command of a row needs of it: rows are also picked from a list, which has no more. */
type Row = Pick<Node, 'subject'>;
type Patch = Row | { repo: string; proposal: string };

/** path: the file that it is in, of a finding that is in several. */
interface Acceptable {
  repo: string;
  code: string;
  path?: string;
}

export interface World {
  context: vscode.ExtensionContext;
  log: vscode.LogOutputChannel;
  connection: Connection;
  repos: Repos;
  jobs: Jobs;
  patches: Patches;
  reports: ReportPanels;
  curves: CurvePanels;
  pages: PersonaPages;
  views: Views;
  newRecommender: NewRecommender;
}

export function registerCommands(world: World): vscode.Disposable {
  const { context, log, connection, repos, jobs, patches, reports, curves, pages, views, newRecommender } = world;
  const found: vscode.Disposable[] = [];
  const command = <A extends unknown[]>(name: string, work: (...args: A) => Promise<unknown>) => {
    found.push(vscode.commands.registerCommand(`evolverec.ui.${name}`, telling(work)));
  };
  /** For a row of a view. VS Code names no row where the view is drawn again under the mouse. */
  const rowCommand = <T extends object>(name: string, work: (row: T) => Promise<unknown>) =>
    command(name, async (row?: T) => {
      if (!row) throw new Again();
      await work(row);
    });
  /** For a row; by the palette or a key, without any argument, for what is picked from a list. */
  const rowOrPick = <T extends object>(name: string, pick: () => Promise<T>, work: (row: T) => Promise<unknown>) =>
    command(name, async (...args: (T | undefined)[]) => {
      const [row] = args;
      if (args.length > 0 && !row) throw new Again();
      await work(row ?? (await pick()));
    });
  const asking = new Asking(connection, repos, patches);
  const patchCommand = (name: string, title: string, open: boolean, work: (repo: string, id: string, at?: { path: string; hunk?: number }) => Promise<unknown>) =>
    rowOrPick(name, (): Promise<Patch> => asking.patch(title, open), (target) => {
      const { repo, id, at } = patchOf(target);
      return work(repo, id, at);
    });
  /** For a row, or without one for the place of the cursor. Called on a row it always gets an argument. */
  const rowOrHere = (name: string, onRow: (row: Extract<Subject, { kind: 'hunk' }>) => Promise<unknown>, here: () => Promise<unknown>) =>
    command(name, async (...args: (Node | vscode.Uri | undefined)[]) => {
      const [target] = args;
      if (args.length > 0 && !target) throw new Again();
      if (target && 'subject' in target && target.subject.kind === 'hunk') await onRow(target.subject);
      else await here();
    });

  command('restart', () => connection.restart());
  command('showLog', async () => log.show());
  command('makeEnvironment', () => makeAndUse(context, log, connection));
  command('chooseInterpreter', () => chooseInterpreter(context));
  command('setLlmKey', () => askLlmKey(context, connection));
  command('menu', () => menu(world));
  command('refresh', async () => views.renew());

  for (const name of ['improve', 'train', 'diagnose', 'askUsers', 'propose', 'tune', 'evolve']) {
    command(name, () => withServer(connection, () => jobs.start(`evolverec.${name}`, {})));
  }
  command('followUser', () => withServer(connection, () => jobs.followUser()));
  command('diagnoseCheckpoint', () => withServer(connection, () => jobs.diagnoseCheckpoint()));
  command('cancel', () => jobs.cancel());
  rowCommand('stopRun', (node: Node) => jobs.stop(...runOf(node)));
  rowCommand('resumeRun', (node: Node) => jobs.resume(...runOf(node)));

  command('newRecommender', () => withServer(connection, () => newRecommender.make()));
  command('setUp', () => setUp(connection, jobs));
  command('pickLog', (named?: Named) => (named ? pickLog(named) : Promise.reject(new Again())));
  rowOrPick('explain', (): Promise<{ repo: string; code: string } | Row> => asking.finding('Explain Finding'), async (about) => {
    const { repo, code } = 'subject' in about ? codeOf(about) : about;
    const page = await connection.execute<Explained>('evolverec.explain', { repo, code });
    await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.parse(page.uri));
  });
  const compare = async (repo: string, trials: string[]) => {
    const page = await connection.execute<{ uri: string }>('evolverec.compareTrials', { repo, trials });
    await vscode.commands.executeCommand('markdown.showPreview', vscode.Uri.parse(page.uri));
  };
  rowCommand('compareBefore', async (node: Node) => {
    const { repo, id, before } = trialOf(node);
    if (!before) throw new Error('this is the first one: none was measured before it');
    await compare(repo, [before, id]);
  });
  rowCommand('compareWith', async (node: Node) => {
    const { repo, id, others } = trialOf(node);
    if (others.length === 0) throw new Error('there is no other trial yet');
    const picked = await vscode.window.showQuickPick(others, { title: 'Compare With', placeHolder: 'Which trial?' });
    if (picked) await compare(repo, [picked.id, id]);
  });
  command('doctor', () => withServer(connection, () => showDoctor(connection, repos)));
  command('openReport', () => withServer(connection, () => reports.open()));
  command('curves', (about?: Node | { repo: string }) => withServer(connection, () => curves.open(about && curvesOf(about))));
  command('saveReport', () => withServer(connection, () => reports.save()));

  rowCommand('reveal', (node: Node) => reveal(node.subject));
  rowCommand('page', async (node: Node) => {
    if (node.subject.kind === 'persona') await pages.open(node.subject);
  });
  patchCommand('diff', 'Show the Change', false, (repo, id, at) => patches.show(repo, id, at));
  patchCommand('apply', 'Apply Patch', true, (repo, id) => patches.apply(repo, id));
  patchCommand('verify', 'Verify Patch Again', false, (repo, id) => patches.verify(repo, id));
  patchCommand('dismiss', 'Dismiss Patch', false, (repo, id) => patches.dismiss(repo, id));
  patchCommand('takeSome', 'Take Some Changes', true, (repo, id) => patches.takeSome(repo, id));
  patchCommand('copyPullRequest', 'Copy as Pull-Request Text', false, (repo, id) => patches.copyPullRequest(repo, id));
  patchCommand('newBranch', 'New Branch from Patch', true, (repo, id) => patches.newBranch(repo, id));
  const skip = async (aside: boolean) => {
    const { proposal, file, hunk } = await patches.here();
    patches.skip(proposal, file, hunk, aside);
  };
  rowOrHere('takeHunk', ({ repo, proposal, path, hunk }) => patches.take(repo, proposal.id, path, [hunk]), () => patches.takeHere());
  rowOrHere('skipHunk', async ({ proposal, path, hunk }) => patches.skip(proposal, path, hunk, true), () => skip(true));
  rowOrHere('unskipHunk', async ({ proposal, path, hunk }) => patches.skip(proposal, path, hunk, false), () => skip(false));
  command('applyHere', async () => {
    const { repo, id } = await patches.here();
    await patches.apply(repo, id);
  });

  rowOrPick('dismissFinding', (): Promise<Row> => asking.finding('Dismiss Finding'), async ({ subject }) => {
    const id = subject.kind === 'finding' ? subject.finding.id : subject.kind === 'critique' ? subject.id : undefined;
    if (id && 'repo' in subject) await connection.execute('evolverec.dismiss', { repo: subject.repo, id });
    repos.renew();
  });
  rowOrPick('accept', (): Promise<Acceptable | { choices: Record<string, Acceptable> } | Row> => asking.finding('Accept for the Team'), async (asked) => {
    const about = 'subject' in asked ? asked : ((await chosen({ ...asked })) as unknown as Acceptable);
    const { repo, code } = 'subject' in about ? codeOf(about) : about;
    const file = 'subject' in about ? findingOf(about).finding.places[0]?.path : about.path;
    await acceptFinding(connection, repo, code, file ?? '');
    repos.renew();
  });
  rowCommand('keepProbe', async (node: Node) => {
    const { repo, finding } = findingOf(node);
    const done = await connection.execute<{ kept: string }>('evolverec.keepProbe', { repo, probe: finding.probe });
    void vscode.window.showInformationMessage(`evolverec: kept as ${done.kept}; later runs start with it.`);
  });
  return vscode.Disposable.from(...found);
}

/** Where there is no server yet, the help that brings one comes first. */
async function withServer<T>(connection: Connection, work: () => Promise<T>): Promise<T | undefined> {
  if (connection.state.kind === 'missing' && !(await offerHelp(connection))) throw new Declined('no server');
  return await work();
}

async function menu(world: World): Promise<void> {
  const { repos, connection } = world;
  const repo = repos.current() ?? repos.known[0];
  const running = repos.known.some((known) => known.jobs.length > 0);
  const item = (label: string, name: string, description = '') => ({ label, description, command: `evolverec.ui.${name}` });
  const items = [
    ...(running ? [item('$(debug-stop) Cancel', 'cancel', repos.known.flatMap((known) => known.jobs.map((job) => job.label)).join('; '))] : []),
    ...(repo
      ? [
          item('$(rocket) Improve', 'improve', 'train, diagnose, ask users and propose patches, in one go'),
          item('$(play) Train', 'train', repo.summary),
          item('$(search) Diagnose', 'diagnose', 'measure inside the model why it fails'),
          item('$(file-binary) Diagnose a Checkpoint...', 'diagnoseCheckpoint', 'weights that you have, without training'),
          item('$(comment-discussion) Ask Users', 'askUsers', 'simulated ones, made from real histories'),
          item('$(book) Follow a User...', 'followUser', 'through a whole session, page by page, until he leaves'),
          item('$(lightbulb) Propose Patches', 'propose', 'make, train and measure them'),
          item('$(settings) Tune Numbers', 'tune', 'learning rate, dropout, width and others of the configuration'),
          item('$(type-hierarchy) Evolve', 'evolve', 'the whole repo, on a copy; asks what it may cost'),
          item('$(graph-line) Training Curves', 'curves', 'loss and NDCG of each epoch, while it trains'),
          item('$(graph) Open Report', 'openReport'),
        ]
      : [item('$(add) New Recommender', 'newRecommender'), item('$(gear) Set Up This Folder', 'setUp')]),
    item('$(checklist) Doctor', 'doctor'),
    item('$(output) Show the Log', 'showLog'),
    item('$(debug-restart) Restart the Server', 'restart', connection.state.kind),
    item('$(symbol-misc) Choose Interpreter', 'chooseInterpreter'),
  ];
  const picked = await vscode.window.showQuickPick(items, { title: 'evolverec', placeHolder: repo?.name ?? 'No recommender is open' });
  if (picked) await vscode.commands.executeCommand(picked.command);
}

function patchOf(target: Patch): { repo: string; id: string; at?: { path: string; hunk?: number } } {
  if (!('subject' in target)) return { repo: target.repo, id: target.proposal };
  const { subject } = target;
  switch (subject.kind) {
    case 'proposal':
      return { repo: subject.repo, id: subject.proposal.id };
    case 'file':
      return { repo: subject.repo, id: subject.proposal.id, at: { path: subject.path } };
    case 'hunk':
      return { repo: subject.repo, id: subject.proposal.id, at: { path: subject.path, hunk: subject.hunk } };
    case 'trial':
      if (subject.patch) return { repo: subject.repo, id: subject.patch };
      throw new Error('no patch was made of this program');
    default:
      throw new Error('pick a patch in the Proposals view first');
  }
}

function runOf(node: Node): [string, Extract<Subject, { kind: 'run' }>['run']] {
  if (node.subject.kind !== 'run') throw new Error('pick a run in the Runs view first');
  return [node.subject.repo, node.subject.run];
}

function trialOf(node: Node): Extract<Subject, { kind: 'trial' }> {
  if (node.subject.kind !== 'trial') throw new Error('pick a trial in the Runs view first');
  return node.subject;
}

/** Of a row: that trial's, or what runs; of no row, what is current. */
function curvesOf(about: Node | { repo: string }): { repo: string; trial?: string } | undefined {
  if (!('subject' in about)) return about;
  const { subject } = about;
  if (subject.kind === 'trial') return { repo: subject.repo, trial: subject.id };
  return 'repo' in subject ? { repo: subject.repo } : undefined;
}

function codeOf(node: Row): { repo: string; code: string } {
  const { repo, finding } = findingOf(node);
  return { repo, code: finding.code };
}

function findingOf(node: Row): { repo: string; finding: Finding } {
  if (node.subject.kind !== 'finding') throw new Error('pick a finding in the Findings view first');
  return node.subject;
}

async function reveal(subject: Subject): Promise<void> {
  const place = placeOf(subject);
  if (!place) return;
  const lines = new vscode.Range(place.line, 0, place.endLine, 0);
  const editor = await vscode.window.showTextDocument(vscode.Uri.parse(place.uri), { selection: new vscode.Range(place.line, 0, place.line, 0) });
  editor.revealRange(lines, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
}

function placeOf(subject: Subject): Place | undefined {
  switch (subject.kind) {
    case 'finding':
      return subject.finding.places[0];
    case 'critique':
      return subject.places[0];
    case 'place':
      return subject.place;
    default:
      return undefined;
  }
}
