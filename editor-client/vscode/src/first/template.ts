/** The evolverec.toml that a repo without one starts from. Pure. */

/** entry: "module:function" where one was found in the repo. */
export function configTemplate(entry: string): string {
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
# The log of interactions: a RecBole .inter file, plain or .gz, relative to this folder; or a built-in
# "shop-micro", "shop-demo", "shop-full". evolverec splits it: your code never sees validation and test events.
source = "data/log.inter"

[objective]
expression = "0.6*HR@5 + 0.4*NDCG@5"  # full ranking of all unseen items
guardrails = ["cost <= 2 * parent"]   # what a patch must keep

[training]
max_epochs = 60
patience = 5      # stop after this many rankings without a better objective
device = "auto"   # "cpu", "cuda", "mps"; auto takes a GPU if there is one
`;
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
