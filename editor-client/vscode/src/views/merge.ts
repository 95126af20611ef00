/** New rows laid over the rows that are shown.
 *
 * A row that stays keeps its object, and only what shows a change is drawn again: while VS Code draws a row anew, the
 * actions of the rows below it get nothing to act on.
 */

import type { Node } from './node';

/** Changes `shown` into `fresh`. Gives the rows to draw again, or `all` where rows at the top came or went. */
export function merge(shown: Node[], fresh: readonly Node[]): Node[] | 'all' {
  const changed: Node[] = [];
  const whole = ids(shown) !== ids(fresh);
  lay(shown, fresh, changed);
  return whole ? 'all' : changed;
}

function lay(shown: Node[], fresh: readonly Node[], changed: Node[]): void {
  const known = new Map(shown.map((node) => [node.id, node]));
  shown.splice(0, shown.length, ...fresh.map((node) => over(known.get(node.id), node, changed)));
}

function over(old: Node | undefined, node: Node, changed: Node[]): Node {
  if (!old) return node;
  if (seen(old) !== seen(node)) changed.push(old);
  const { children } = old;
  for (const key of Object.keys(old) as (keyof Node)[]) if (!(key in node)) delete old[key];
  Object.assign(old, node);
  if (children && node.children) {
    lay(children, node.children, changed);
    old.children = children;
  }
  return old;
}

/** What drawing a row depends on. Its subject is only read when an action comes. */
function seen({ children, ...row }: Node): string {
  return JSON.stringify({ ...row, subject: undefined, below: ids(children ?? []) });
}

function ids(nodes: readonly Node[]): string {
  return JSON.stringify(nodes.map((node) => node.id));
}
