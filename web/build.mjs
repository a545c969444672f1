// Bundles what of the page is JavaScript and CSS into bundle/:
//   page.js, page.css       what the page needs at once: the terminal, the styles, the way to the rest
//   lazy/editor-*.js, .css  Monaco with YAML, loaded when a file is first opened
//   lazy/diagrams/*.js      Mermaid, split by kind of diagram, loaded when a lesson shows one
//   lazy/descriptions-*.txt what `kubectl explain` says of types and fields; `cargo xtask` puts it into generated/
//   lessons.json            the table of contents of ../lessons
// Lazy files carry a hash of their content in their names, and page.js is told those names, so that a host may cache
// all of them for ever.
import { build } from 'esbuild';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { copyFile, mkdir, readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { contents } from './contents.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const out = path.join(here, 'bundle');
const lazy = path.join(out, 'lazy');
const common = {
  absWorkingDir: here,
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16.4'],
  legalComments: 'none',
  logLevel: 'warning',
};

/** Renames `name` so that it carries a hash of its content; answers its address as seen from page.js. */
async function hashed(name) {
  const file = path.join(lazy, name);
  const hash = createHash('sha256').update(await readFile(file)).digest('hex').slice(0, 10);
  const { name: stem, ext } = path.parse(name);
  await rename(file, path.join(lazy, `${stem}-${hash}${ext}`));
  return `./lazy/${stem}-${hash}${ext}`;
}

/** What the bundled packages ask to be told along: their licences. */
async function notices() {
  const texts = [];
  for (const name of ['@xterm/xterm', '@xterm/addon-fit', '@xterm/addon-web-links', 'monaco-editor', 'mermaid']) {
    const folder = path.join(here, 'node_modules', name);
    const file = (await readdir(folder)).find((entry) => /^licen[cs]e/i.test(entry));
    texts.push(`${name}\n\n${file ? await readFile(path.join(folder, file), 'utf8') : 'MIT'}`);
  }
  await writeFile(path.join(lazy, 'licences.txt'), texts.join('\n\n----\n\n'));
}

await rm(out, { recursive: true, force: true });
await mkdir(lazy, { recursive: true });

const [, diagrams] = await Promise.all([
  build({ ...common, entryPoints: ['src/editor.js'], outdir: lazy, loader: { '.ttf': 'dataurl' } }),
  build({
    ...common,
    entryPoints: { diagrams: 'src/diagrams.js' },
    outdir: path.join(lazy, 'diagrams'),
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    splitting: true,
    metafile: true,
  }),
  notices(),
]);
await copyFile(path.join(here, 'generated/descriptions.txt'), path.join(lazy, 'descriptions.txt'));
await hashed('descriptions.txt');
const entry = Object.entries(diagrams.metafile.outputs).find(([, output]) => output.entryPoint === 'src/diagrams.js');
await build({
  ...common,
  entryPoints: { page: 'src/page.js' },
  outdir: out,
  define: {
    EDITOR_SCRIPT: JSON.stringify(await hashed('editor.js')),
    EDITOR_STYLES: JSON.stringify(await hashed('editor.css')),
    DIAGRAMS_SCRIPT: JSON.stringify(`./lazy/diagrams/${path.basename(entry[0])}`),
  },
});
await writeFile(path.join(out, 'lessons.json'), JSON.stringify(await contents(path.join(here, '../lessons')), null, 1));

for (const name of ['page.js', 'page.css']) {
  const size = gzipSync(await readFile(path.join(out, name))).length;
  console.log(`${name} ${Math.round(size / 1000)} kB gzipped`);
}
