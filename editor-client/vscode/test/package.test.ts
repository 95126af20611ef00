import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';

const listed = execFileSync(process.execPath, [path.join('node_modules', '@vscode', 'vsce', 'vsce'), 'ls', '--no-dependencies'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  .split('\n')
  .map((line) => line.trim())
  .filter(Boolean);
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Record<string, unknown> & { icon: string; keywords: string[]; description: string };

test('the package has what the manifest and the code name, and no source, test or library', () => {
  for (const file of ['package.json', 'README.md', 'LICENSE', manifest.icon]) assert.ok(listed.includes(file), file);
  const text = readFileSync('package.json', 'utf8');
  const named = [...text.matchAll(/"(media\/[\w./-]+)"/g)].map((found) => found[1] ?? '');
  assert.ok(named.length > 5);
  assert.deepEqual([...new Set(named)].filter((file) => !listed.includes(file)), []);
  const allowed = /^(package\.json|README\.md|CHANGELOG\.md|LICENSE|dist\/extension\.cjs|media\/.+|wheel\/[^/]+\.whl|wheel\/constraints\.txt)$/;
  assert.deepEqual(listed.filter((file) => !allowed.test(file)), []);
});

test('the marketplace has what it shows: names, a square icon of at least 128 pixels, words to be found by', () => {
  for (const field of ['name', 'displayName', 'description', 'version', 'publisher', 'license', 'categories', 'galleryBanner']) assert.ok(manifest[field], field);
  assert.ok(manifest.description.length <= 200 && manifest.keywords.length <= 30);
  const icon = readFileSync(manifest.icon);
  const [width, height] = [icon.readUInt32BE(16), icon.readUInt32BE(20)];
  assert.equal(icon.toString('latin1', 1, 4), 'PNG');
  assert.ok(width === height && width >= 128, `${width} x ${height}`);
});
