// After trunk's build, in its staging folder: orders the functions of a release's modules, and gives the worker's files
// names that carry a hash of their content, which trunk does for the page's own files only, and tells index.html. A page
// and a worker of two releases then never meet in a cache.
import { createHash } from 'node:crypto';
import { readFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { reorder } from './order.mjs';

const staging = process.env.TRUNK_STAGING_DIR;
if (!staging) throw new Error('this runs as a hook of trunk, which sets TRUNK_STAGING_DIR');
const file = (name) => path.join(staging, name);

if (process.env.TRUNK_PROFILE === 'release') {
  const modules = (await readdir(staging)).filter((each) => each.endsWith('.wasm'));
  const source = await readFile(new URL('../index.html', import.meta.url), 'utf8');
  const features = new Set(source.match(/--enable-[a-z-]+/g));
  await Promise.all(modules.map((each) => reorder(file(each), [...features])));
}

const wasm = await readFile(file('worker_bg.wasm'));
const glue = await readFile(file('worker.js'));
const own = await readFile(new URL(import.meta.url));
const hash = createHash('sha256').update(wasm).update(glue).update(own).digest('hex').slice(0, 16);
const name = `worker-${hash}`;
await rename(file('worker_bg.wasm'), file(`${name}_bg.wasm`));
await rm(file('worker_loader.js'));
// One file instead of a loader that loads it. The module's download begins before the rest of the script is read; what
// `kubectl explain` says of types and fields follows when the first prompt is there.
const [descriptions] = (await readdir(file('lazy'))).filter((each) => each.startsWith('descriptions-'));
await writeFile(
  file(`${name}.js`),
  `const drydockModule = fetch('${name}_bg.wasm');
${glue}
wasm_bindgen({ module_or_path: drydockModule }).then(
  () => setTimeout(async () => {
    const response = await fetch('./lazy/${descriptions}').catch(() => undefined);
    if (response?.ok) wasm_bindgen.describe(new Uint8Array(await response.arrayBuffer()));
  }, 1500),
  (error) => postMessage(JSON.stringify({ n: 0, m: { Failed: { message: \`the cluster did not load: \${error}\` } } })),
);
`,
);
await rm(file('worker.js'));

const index = await readFile(file('index.html'), 'utf8');
const named = index.replace(/content="?worker_loader\.js"?/, `content="${name}.js"`);
if (named === index) throw new Error('index.html names no worker');
await writeFile(file('index.html'), named);
