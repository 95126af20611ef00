// Bundles each test file, as the extension is bundled, and runs them with node's own runner.
import { build } from 'esbuild';
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';

const names = readdirSync('test').filter((name) => name.endsWith('.test.ts'));
rmSync('dist/test', { recursive: true, force: true });
await build({
  entryPoints: names.map((name) => `test/${name}`),
  outdir: 'dist/test',
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  sourcemap: 'inline',
  logLevel: 'warning',
});
const files = names.map((name) => `dist/test/${name.replace(/\.ts$/, '.cjs')}`);
const run = spawnSync(process.execPath, ['--enable-source-maps', '--test', ...files], { stdio: 'inherit' });
process.exit(run.status ?? 1);
