// What the page's Rust code asks of JavaScript, as one object: `drydock`. It also starts the worker, so that the two
// wasm modules load side by side.
import '../styles/page.css';
import { Terminal } from './terminal.js';

const seen = (url) => new URL(url, import.meta.url).href;

/** Runs `work` once; a failure may be tried again. */
function once(work) {
  let promise;
  return () => (promise ??= work().catch((error) => {
    promise = undefined;
    throw error;
  }));
}

const styles = (href) =>
  new Promise((done, fail) => {
    const link = Object.assign(document.createElement('link'), { rel: 'stylesheet', href, onload: done });
    link.onerror = () => fail(new Error(`${href} did not load`));
    document.head.append(link);
  });

const editor = once(async () => {
  const [module] = await Promise.all([import(seen(EDITOR_SCRIPT)), styles(seen(EDITOR_STYLES))]);
  return module.start();
});
const diagrams = once(() => import(seen(DIAGRAMS_SCRIPT)));

/** Another worker, where index.html's own has been given up. */
function newWorker() {
  const name = document.querySelector('meta[name="drydock-worker"]').content;
  return new Worker(new URL(name, document.baseURI));
}

/** The channel to a worker. What it says before the page listens is kept. */
function channel(worker) {
  const early = worker.early ?? [];
  let listener = (text) => early.push(text);
  worker.onmessage = (event) => listener(event.data);
  worker.onerror = (event) => {
    event.preventDefault?.();
    listener(JSON.stringify({ n: 0, m: { Failed: { message: event.message || 'the worker did not load' } } }));
  };
  return {
    post: (text) => worker.postMessage(text),
    listen(next) {
      listener = next;
      early.splice(0).forEach(next);
    },
    restart() {
      worker.terminate();
      drydock.worker = channel(newWorker());
    },
  };
}

/** A text compressed and written in base64, so that local storage holds ten times as much. */
async function pack(text) {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream('gzip'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  let binary = '';
  for (let at = 0; at < bytes.length; at += 8192) binary += String.fromCharCode(...bytes.subarray(at, at + 8192));
  return btoa(binary);
}

async function unpack(packed) {
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}

/** Copies a text; where the clipboard is out of reach (a frame without the right, plain HTTP), the old way. */
function copy(text) {
  const byHand = () => {
    const field = Object.assign(document.createElement('textarea'), { value: text });
    document.body.append(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  };
  if (navigator.clipboard) navigator.clipboard.writeText(text).catch(byHand);
  else byHand();
}

/** The page's own code has failed: nothing of it can be trusted to say so. */
function failed(message) {
  console.error(message);
  const notice = document.getElementById('failed');
  notice.hidden = false;
  notice.querySelector('pre').textContent = message;
}

const drydock = (globalThis.drydock = {
  Terminal,
  worker: channel(globalThis.drydockWorker),
  pack,
  unpack,
  copy,
  failed,
  /** Resolves to what makes Monaco editors. */
  editor,
  /** Draws a diagram in Mermaid's language; resolves to SVG text. */
  diagram: async (source, dark) => (await diagrams()).draw(source, dark),
});
