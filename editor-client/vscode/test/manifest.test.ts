import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

interface Item {
  command?: string;
  id?: string;
  when?: string;
  contents?: string;
  description?: string;
  view?: string;
  title?: string;
}
interface Manifest {
  capabilities: { untrustedWorkspaces: { supported: string; restrictedConfigurations: string[] }; virtualWorkspaces: { supported: boolean } };
  contributes: {
    commands: Item[];
    menus: Record<string, Item[]>;
    keybindings: { command: string; key: string; mac: string }[];
    languages: { filenames: string[] }[];
    grammars: { path: string }[];
    views: { evolverec: Item[] };
    viewsWelcome: Item[];
    walkthroughs: { steps: (Item & { completionEvents: string[]; media: { markdown: string } })[] }[];
    configuration: { properties: Record<string, { scope?: string; description?: string; markdownDescription?: string }> };
  };
}

const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const { contributes } = manifest;
const declared = new Set(contributes.commands.map((item) => item.command ?? ''));

function sources(folder: string): string {
  return readdirSync(folder)
    .map((name) => path.join(folder, name))
    .map((file) => (statSync(file).isDirectory() ? sources(file) : readFileSync(file, 'utf8')))
    .join('\n');
}
const code = sources('src');
const serverCommands = [...readFileSync('../../server/lsp/handshake.py', 'utf8').matchAll(/"(evolverec\.\w+)"/g)].map((found) => found[1]);

test('every command of a menu, a welcome or the walkthrough is one that exists', () => {
  const used = Object.values(contributes.menus).flat().map((item) => item.command ?? '');
  const texts = [...contributes.viewsWelcome.map((item) => item.contents), ...contributes.walkthroughs.flatMap((walk) => walk.steps.map((step) => step.description))];
  const linked = texts.flatMap((text) => [...(text ?? '').matchAll(/command:(evolverec[\w.]+)/g)].map((found) => found[1] ?? ''));
  assert.ok(linked.length > 10);
  assert.deepEqual([...used, ...linked].filter((name) => !declared.has(name)), []);
});

test('every declared command is carried out by the code, and none takes an id of the server', () => {
  const started = ['improve', 'train', 'diagnose', 'askUsers', 'propose', 'tune', 'evolve'];
  const registered = new Set([...code.matchAll(/(?:command|rowCommand|rowOrHere|rowOrPick|patchCommand)\('(\w+)'/g)].map((found) => `evolverec.ui.${found[1]}`).concat(started.map((name) => `evolverec.ui.${name}`)));
  assert.deepEqual([...declared].filter((name) => !registered.has(name)), []);
  assert.deepEqual([...registered].filter((name) => !declared.has(name)), []);
  assert.ok(serverCommands.length > 10);
  assert.deepEqual([...declared].filter((name) => serverCommands.includes(name)), []);
});

test('what names an executable comes from the user alone, and is restricted in a folder that is not trusted', () => {
  const { properties } = contributes.configuration;
  for (const name of ['evolverec.path', 'evolverec.interpreter', 'evolverec.args', 'evolverec.package', 'evolverec.llm.model', 'evolverec.llm.baseUrl']) {
    assert.equal(properties[name]?.scope, 'machine', name);
    assert.ok(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations.includes(name), name);
  }
  assert.equal(manifest.capabilities.untrustedWorkspaces.supported, 'limited');
  assert.equal(manifest.capabilities.virtualWorkspaces.supported, false);
});

test('no key is a setting, which would stand in a file that is shared', () => {
  assert.deepEqual(Object.keys(contributes.configuration.properties).filter((name) => /key|token|secret|password/i.test(name)), []);
});

test('a step of the walkthrough is ticked by what was done, whatever way', () => {
  const events = contributes.walkthroughs.flatMap((walk) => walk.steps.flatMap((step) => step.completionEvents));
  assert.equal(events.length, 5);
  for (const event of events) {
    const [, key = ''] = /^onContext:(evolverec\.\w+).* && evolverec\.look$/.exec(event) ?? [];
    assert.ok(key && (code.includes(`'${key}'`) || code.includes("`evolverec.${step}`") && code.includes(`'${key.replace('evolverec.', '')}'`)), event);
  }
});

test('every setting is described, and every setting that the code reads is declared', () => {
  for (const [name, setting] of Object.entries(contributes.configuration.properties)) {
    assert.ok((setting.description ?? setting.markdownDescription ?? '').length > 20, name);
  }
  const read = [...code.matchAll(/\.get<[^>]+>\('([\w.]+)'/g)].map((found) => `evolverec.${found[1]}`).filter((name) => !name.endsWith('trainIn') && name !== 'evolverec.files.autoSave');
  assert.ok(read.length >= 4);
  assert.deepEqual(read.filter((name) => !(name in contributes.configuration.properties)), []);
});

test('an empty view of findings has a text for each of its states', () => {
  const ofRepo = contributes.viewsWelcome.filter((welcome) => welcome.view === 'evolverec.findings' && /^evolverec.hasRepo && isWorkspaceTrusted/.test(welcome.when ?? ''));
  assert.deepEqual(ofRepo.map((welcome) => /stage == (\w+)/.exec(welcome.when ?? '')?.[1]), ['untrained', 'undiagnosed']); // the rest are rows of the tree
  assert.equal(new Set(ofRepo.map((welcome) => welcome.contents)).size, 2);
});

test('every shortcut starts a declared command, each by a key of its own', () => {
  const { keybindings } = contributes;
  assert.deepEqual(keybindings.filter((one) => !declared.has(one.command)), []);
  assert.equal(new Set(keybindings.map((one) => one.key)).size, keybindings.length);
  for (const one of keybindings) {
    assert.equal(one.mac, one.key.replace('shift+alt', 'cmd+alt'));
    // On Windows Ctrl+Alt is AltGr, which types characters: € with E on many layouts.
    assert.ok(!/ctrl\+alt|alt\+ctrl/.test(one.key), one.key);
  }
});

test('evolverec.toml is coloured: sections, keys, texts, numbers, comments', () => {
  const [grammar] = contributes.grammars;
  const { repository } = JSON.parse(readFileSync(grammar?.path ?? '', 'utf8')) as { repository: Record<string, { match?: string; captures?: Record<string, { name: string }>; patterns?: { name?: string; match?: string; begin?: string }[] }> };
  const first = (pattern: string | undefined, line: string) => new RegExp(pattern ?? 'none').exec(line);
  assert.equal(first(repository['section']?.match, '[data.columns]')?.[2], 'data.columns');
  assert.equal(first(repository['section']?.match, '[[accepted]]')?.[2], 'accepted');
  assert.equal(first(repository['key']?.match, '  max_epochs = 60')?.[1], 'max_epochs');
  assert.match(repository['section']?.captures?.['2']?.name ?? '', /^entity\.name\.type\./, 'VS Code\'s own themes have no colour for entity.name.section');
  const value = (name: string) => repository['value']?.patterns?.find((one) => one.name?.startsWith(name));
  assert.equal(first(value('constant.numeric')?.match, '= -1_000.5e3')?.[0], '-1_000.5e3');
  assert.ok(!first(value('constant.numeric')?.match, 'HR@x5'));
  assert.ok(first(value('string.quoted.double')?.begin, '"a"') && first(repository['comment']?.match, 'a # b'));
  assert.deepEqual(contributes.languages[0]?.filenames, ['evolverec.toml', 'evolverec.baseline.toml']);
});

test('every view has a welcome, and every walkthrough page is there', () => {
  for (const view of contributes.views.evolverec) {
    assert.ok(contributes.viewsWelcome.some((welcome) => welcome.view === view.id), view.id);
  }
  for (const step of contributes.walkthroughs.flatMap((walk) => walk.steps)) assert.ok(statSync(step.media.markdown).size > 100);
});

test('what a row of findings or patches offers is offered without a row as well, so that it is picked from a list', () => {
  const never = new Set((contributes.menus['commandPalette'] ?? []).filter((item) => item.when === 'false').map((item) => item.command));
  const ofRows = (contributes.menus['view/item/context'] ?? []).filter((item) => /viewItem (=~ \/\^(finding|proposal)\/|== proposal.open)/.test(item.when ?? ''));
  const offered = new Set(ofRows.map((item) => item.command));
  offered.delete('evolverec.ui.reveal'); // F8 goes there
  assert.ok(offered.size >= 10);
  assert.deepEqual([...offered].filter((name) => never.has(name)), []);
});
