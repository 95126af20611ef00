/** The evolverec.toml that a repo without one starts from, and what is read out of such files. Pure. */

import type { Choices } from '../protocol';

/** entry: "module:function" where one was found in the repo. choices: which data there can be, where a server could say so. */
export function configTemplate(entry: string, choices?: Choices): string {
  return `# evolverec reads this file; its folder is the recommender repo. Every key has help: hover over it.

[recommender]
# The function that makes your model, "module:function". It needs no import of evolverec:
#
#     def build(data, *, device: str, seed: int):
#         return MyRecommender(data, device, seed)
#
# data: training events only, as numpy arrays: users, items, timestamps, offsets, n_users, n_items, ...
# What it returns offers
#     fit()                     an iterator: one mapping of floats per epoch, such as {"loss": 0.31}
#     score(users, histories)   floats (B, n_items + 1), higher is better. Ids run from 1; 0 is padding
entry = "${entry || 'model:build'}"
editable = ["*.py"]  # which files a patch may edit

[data]
# The log of interactions, relative to this folder${choices ? `: ${choices.logs.sentence}` : ''}; or a built-in
# shop${choices ? `: ${choices.data.map(({ name }) => `"${name}"`).join(', ')}` : ''}. evolverec splits it: your code never sees validation and test events.
source = "data/log${choices?.logs.suffixes[0] ?? ''}"

[objective]
expression = "0.6*HR@5 + 0.4*NDCG@5"  # full ranking of all unseen items
guardrails = ["cost <= 2 * parent"]   # what a patch must keep

[training]
max_epochs = 60
patience = 5      # the least number of rankings without a better objective before training ends
device = "auto"   # "cpu", "cuda", "mps"; auto takes a GPU if there is one
`;
}

/** Of suffixes such as ".inter.gz" what a file dialog asks for: the last parts, each once. */
export function extensionsOf(suffixes: readonly string[]): string[] {
  return [...new Set(suffixes.map((suffix) => suffix.slice(suffix.lastIndexOf('.') + 1)))];
}

/** Of Python files by their path relative to the repo: where \`def build(\` stands, as "module:function"; "" where nowhere. */
export function guessEntry(files: readonly { path: string; text: string }[]): string {
  const found = files.filter((file) => /^def build\(/m.test(file.text) && /^[A-Za-z_][\w/]*\.py$/.test(file.path));
  const [nearest] = found.sort((a, b) => a.path.split('/').length - b.path.split('/').length || a.path.localeCompare(b.path));
  return nearest ? `${nearest.path.replace(/\.py$/, '').replaceAll('/', '.')}:build` : '';
}

/** File, relative to the repo, and function of the entry that a config names; undefined where it names none. */
export function entryOf(config: string): { file: string; name: string } | undefined {
  const [, module, name] = /^\s*entry\s*=\s*["']([\w.]+):(\w+)["']/m.exec(config) ?? [];
  return module && name ? { file: `${module.replaceAll('.', '/')}.py`, name } : undefined;
}

/** The line of a function at the top of a file, from 0; 0 where it is not there. */
export function lineOf(text: string, name: string): number {
  return Math.max(0, text.split('\n').findIndex((line) => line.startsWith(`def ${name}(`)));
}
