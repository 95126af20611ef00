/** Puts the parts together. */

import * as vscode from 'vscode';

import { registerCommands } from './commands';
import { watchFolderKind } from './first/folders';
import { NewRecommender } from './first/newRecommender';
import { tellOfNotebooks } from './first/notebooks';
import { tickSteps } from './first/steps';
import { Jobs } from './jobs';
import { middleware } from './middleware';
import { Patches } from './patches';
import { Repos } from './repos';
import { Connection } from './server/connection';
import { DOCS_SCHEME, PROPOSAL_SCHEME, ProposedContent } from './server/documentContent';
import { offerHelp } from './server/missing';
import { findTerms, PythonExtensionWatch } from './server/terms';
import { CurvePanels } from './ui/curvePanels';
import { GutterMarks } from './ui/gutter';
import { JobProgress } from './ui/progress';
import { ReportPanels } from './ui/report';
import { StatusItems } from './ui/status';
import { tell } from './ui/telling';
import { Tellings } from './ui/told';
import { Checklist } from './views/checklist';
import { PAGE_SCHEME, PersonaPages } from './views/personaPages';
import { Views } from './views/views';

const READ_AT_START = ['evolverec.path', 'evolverec.interpreter', 'evolverec.args', 'evolverec.llm'];

let connection: Connection | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel('evolverec', { log: true });
  const server: Connection = new Connection(
    log,
    () => findTerms(context, log),
    middleware(() => ({ jobs, patches, progress, busy: (repo) => repos.known.some((known) => known.repo === repo && known.jobs.length > 0), execute: (command, given) => server.execute(command, given) })),
  );
  connection = server;
  const repos = new Repos(server);
  const jobs = new Jobs(server, repos);
  const patches = new Patches(server, repos);
  const progress = new JobProgress((token) => void server.cancelProgress(token));
  const content = new ProposedContent(server);
  const pages = new PersonaPages();
  const reports = new ReportPanels(context.extensionUri, server, repos);
  const curves = new CurvePanels(context.extensionUri, server, repos);
  const views = new Views(server, repos, patches);
  const newRecommender = new NewRecommender(context, server, repos, jobs);
  context.subscriptions.push(
    ...[log, server, repos, progress, reports, curves, views, new StatusItems(server, repos), new Tellings(server), watchFolderKind()],
    ...[new GutterMarks(context.extensionUri, server, repos), new Checklist(server, repos, jobs), tellOfNotebooks(context, repos), tickSteps(repos)],
    registerCommands({ context, log, connection: server, repos, jobs, patches, reports, curves, pages, views, newRecommender }),
    vscode.workspace.registerTextDocumentContentProvider(PROPOSAL_SCHEME, content),
    vscode.workspace.registerTextDocumentContentProvider(DOCS_SCHEME, content),
    vscode.workspace.registerTextDocumentContentProvider(PAGE_SCHEME, pages),
    vscode.languages.registerHoverProvider({ scheme: PROPOSAL_SCHEME }, patches),
    vscode.workspace.onDidGrantWorkspaceTrust(() => server.restart()),
    vscode.workspace.onDidChangeConfiguration((change) => {
      if (READ_AT_START.some((name) => change.affectsConfiguration(name))) void server.restart();
    }),
    repos.onDidChangeContent(() => content.refresh()),
    server.onDidChangeState((state) => {
      if (state.kind !== 'running') {
        progress.clear();
        tellWelcomes(state.kind);
      }
    }),
    repos.onDidChange(() => repos.loaded && tellWelcomes(server.state.kind)),
  );
  void begin(context, server, newRecommender);
}

export function deactivate(): Promise<void> | undefined {
  return connection?.stop();
}

/** The views choose their welcome by this. "running" is told once it is known which repos there are. */
function tellWelcomes(server: string): void {
  void vscode.commands.executeCommand('setContext', 'evolverec.server', server);
}

/** Not awaited by activation: finding an interpreter may take a second. */
async function begin(context: vscode.ExtensionContext, server: Connection, newRecommender: NewRecommender): Promise<void> {
  // Watched before it is asked: an interpreter that is selected while the first look is under way is seen as well.
  const watch = new PythonExtensionWatch(() => void server.restart());
  context.subscriptions.push(watch);
  await watch.begin();
  await server.restart();
  const isRepo = (await vscode.workspace.findFiles('**/evolverec.toml', undefined, 1)).length > 0;
  await server.settled(); // trust that was given meanwhile has asked for another start
  if (server.state.kind === 'missing' && isRepo) void offerHelp(server);
  await newRecommender.goOn().catch(tell);
}
