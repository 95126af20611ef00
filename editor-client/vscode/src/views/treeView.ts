/** One view of the side bar: asks the server while it is seen, and shows rows. */

import * as vscode from 'vscode';

import type { Repos } from '../repos';
import { inWords } from '../ui/telling';
import { merge } from './merge';
import { type Node, NOTHING, withoutTwins } from './node';

const LEAST_MS = 1000; // between two requests for one view while a job runs

export class TreeView implements vscode.TreeDataProvider<Node>, vscode.Disposable {
  private readonly changed = new vscode.EventEmitter<Node[] | undefined>();
  readonly onDidChangeTreeData = this.changed.event;
  readonly view: vscode.TreeView<Node>;
  private readonly rows: Node[] = [];
  private asked = 0;
  private stale = true;
  private timer: NodeJS.Timeout | undefined;
  private readonly parents = new Map<string, Node>();

  constructor(
    readonly id: string,
    private readonly repos: Repos,
    private readonly ask: (repo: string) => Promise<Node[]>,
  ) {
    this.view = vscode.window.createTreeView(id, { treeDataProvider: this, showCollapseAll: true });
    this.view.onDidChangeVisibility(() => this.renew());
    repos.onDidChangeContent(() => {
      this.stale = true;
      this.renew();
    });
  }

  /** Ask again, now if the view is seen, else once it is. */
  renew(force = false): void {
    if (force) this.stale = true;
    if (!this.view.visible || !this.stale || this.timer) return;
    const wait = Math.max(0, this.asked + LEAST_MS - Date.now());
    this.timer = setTimeout(() => {
      this.timer = undefined;
      void this.load();
    }, wait);
  }

  private async load(): Promise<void> {
    this.asked = Date.now();
    this.stale = false;
    const repos = this.repos.known;
    try {
      const parts = await Promise.all(repos.map((repo) => this.ask(repo.repo)));
      const [only] = parts;
      const rows = repos.length === 1 && only ? only : repos.map((repo, index) => repoNode(repo.repo, repo.name, parts[index] ?? []));
      this.view.message = '';
      this.show(withoutTwins(rows));
    } catch (error) {
      this.view.message = inWords(error);
      this.show([]);
    }
  }

  private show(rows: Node[]): void {
    const changed = merge(this.rows, rows);
    this.parents.clear();
    const note = (parent: Node) => {
      for (const child of parent.children ?? []) {
        this.parents.set(child.id, parent);
        note(child);
      }
    };
    this.rows.forEach(note);
    if (changed === 'all') this.changed.fire(undefined);
    else if (changed.length > 0) this.changed.fire(changed);
  }

  getChildren(node?: Node): Node[] {
    return node ? (node.children ?? []) : this.rows;
  }

  getParent(node: Node): Node | undefined {
    return this.parents.get(node.id);
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const none = vscode.TreeItemCollapsibleState.None;
    const folded = node.unfolded ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed;
    const item = new vscode.TreeItem(node.label, node.children?.length ? folded : none);
    item.id = node.id;
    if (node.description) item.description = node.description;
    if (node.tooltip) item.tooltip = new vscode.MarkdownString(node.tooltip);
    if (node.icon) item.iconPath = new vscode.ThemeIcon(node.icon.name, node.icon.color ? new vscode.ThemeColor(node.icon.color) : undefined);
    if (node.context) item.contextValue = node.context;
    item.accessibilityInformation = { label: node.spoken ?? [node.label, node.description].filter(Boolean).join(', ') };
    if (node.open) item.command = { title: TITLES[node.open], command: `evolverec.ui.${node.open}`, arguments: [node] };
    return item;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.view.dispose();
    this.changed.dispose();
  }
}

const TITLES = { reveal: 'Go to the lines', diff: 'Show the change', page: 'Open the page', proposal: 'Show', compareBefore: 'Compare with the one before' };

function repoNode(repo: string, name: string, children: Node[]): Node {
  return {
    id: `repo:${repo}`,
    label: name,
    description: children.length > 0 ? '' : 'nothing yet',
    tooltip: '',
    icon: { name: 'repo' },
    subject: { kind: 'repo', repo },
    children: children.length > 0 ? children : [{ id: `repo:${repo}:empty`, label: 'Nothing yet', subject: NOTHING }],
    unfolded: true,
  };
}
