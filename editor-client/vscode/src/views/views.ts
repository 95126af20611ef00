/** The four views, and what each asks the server. */

import * as vscode from 'vscode';

import type { Patches } from '../patches';
import type { Findings, Proposals, Runs, Users } from '../protocol';
import type { Repos } from '../repos';
import type { Connection } from '../server/connection';
import { findingsTree } from './findingsTree';
import { count } from './node';
import { proposalsTree } from './proposalsTree';
import { runsTree } from './runsTree';
import { TreeView } from './treeView';
import { usersTree } from './usersTree';

export class Views implements vscode.Disposable {
  private readonly all: TreeView[];

  constructor(connection: Connection, repos: Repos, patches: Patches) {
    const findings = new TreeView('evolverec.findings', repos, async (repo) => {
      const found = await connection.request<Findings>('evolverec/findings', { repo });
      const fixed = found.causes.some((cause) => cause.findings.some((finding) => finding.fixes.length > 0));
      const standing = repos.known.find((known) => known.repo === repo)?.standing;
      return findingsTree(found, fixed ? await patches.list(repo) : [], standing);
    });
    const users = new TreeView('evolverec.users', repos, async (repo) => usersTree(await connection.request<Users>('evolverec/users', { repo })));
    const proposals = new TreeView('evolverec.proposals', repos, async (repo) =>
      proposalsTree(await connection.request<Proposals>('evolverec/proposals', { repo }), patches.skipped),
    );
    const runs = new TreeView('evolverec.runs', repos, async (repo) => runsTree(await connection.request<Runs>('evolverec/runs', { repo })));
    this.all = [findings, users, proposals, runs];
    patches.onDidSkip(() => proposals.renew(true));
    repos.onDidChange(() => {
      const value = repos.known.reduce((total, repo) => total + repo.errors + repo.warnings, 0);
      findings.view.badge = value > 0 ? { value, tooltip: count(value, 'finding') } : undefined;
    });
  }

  renew(): void {
    for (const view of this.all) view.renew(true);
  }

  dispose(): void {
    for (const view of this.all) view.dispose();
  }
}
