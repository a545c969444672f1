// The page in Chromium, with what a test needs of it. `DRYDOCK_URL` is where it's served; without it, dist/ is served
// here, or the folder `DRYDOCK_DIST`. `CHROMIUM` is the browser.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.md': 'text/markdown; charset=utf-8',
};

/** Serves a folder on a free port of loopback; `under` is the path that it stands under. */
export async function serve(folder, under = '/') {
  const server = createServer(async (request, response) => {
    const address = decodeURIComponent(new URL(request.url, 'http://x').pathname);
    const inside = address.startsWith(under) ? address.slice(under.length) : '../';
    const file = path.join(folder, inside.endsWith('/') || inside === '' ? `${inside}index.html` : inside);
    const known = file.startsWith(folder) && (await stat(file).catch(() => undefined))?.isFile();
    if (!known) {
      response.writeHead(404).end('not found\n');
      return;
    }
    response.writeHead(200, { 'content-type': TYPES[path.extname(file)] ?? 'application/octet-stream' });
    createReadStream(file).pipe(response);
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}${under}`, close };
}

/** Serves one HTML text on a port, thus an origin, of its own: somebody's site. */
export async function serveText(html) {
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': TYPES['.html'] }).end(html));
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${server.address().port}/`, close };
}

/** The built page. */
export const dist = process.env.DRYDOCK_DIST ?? fileURLToPath(new URL('../../dist', import.meta.url));

let shared;

/** Where the page is. */
export async function address() {
  if (process.env.DRYDOCK_URL) return process.env.DRYDOCK_URL;
  shared ??= await serve(dist);
  return shared.url;
}

let browser;

export async function launch() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
  });
  return browser;
}

/** Ends what the tests of a file have started. */
export async function done() {
  await browser?.close();
  shared?.close();
}

/** Opens the page in a browser context of its own, as a new visitor; `search` is what follows the address. */
export async function open(search = '', options = {}) {
  const context = await (await launch()).newContext({ viewport: { width: 1440, height: 900 }, ...options });
  await context.grantPermissions(['clipboard-read', 'clipboard-write']).catch(() => {});
  const page = await context.newPage();
  page.faults = [];
  page.on('pageerror', (error) => page.faults.push(String(error)));
  page.on('console', (message) => message.type() === 'error' && page.faults.push(message.text()));
  await page.goto((await address()) + search);
  return page;
}

/** All text of the terminal that is shown. */
export const screen = (page) =>
  page.evaluate(() => {
    const shown = document.querySelector('.screen:not(.away)');
    return shown?.drydockTerminal?.text() ?? '';
  });

/** Waits until the terminal's text satisfies a pattern or a predicate, and answers it. */
export async function until(page, wanted, timeout = 20_000) {
  const fits = typeof wanted === 'function' ? wanted : (text) => wanted.test(text);
  const end = Date.now() + timeout;
  for (;;) {
    const text = await screen(page);
    if (fits(text)) return text;
    if (Date.now() > end) throw new Error(`the terminal never showed ${wanted}; it shows:\n${text}`);
    await page.waitForTimeout(25);
  }
}

/** Waits for the prompt of the shell. */
export const prompt = (page) => until(page, /\$ ?$/);

/** Types a command line and waits for the next prompt; answers what was printed in between. */
export async function run(page, command, timeout) {
  await prompt(page);
  const before = await screen(page);
  await page.locator('.screen:not(.away) textarea').focus();
  await page.keyboard.type(command);
  await page.keyboard.press('Enter');
  // What scrolled out of the history is gone: the answer is what follows the last place that shows the command.
  const entered = `$ ${command.split('\n')[0]}`.trimEnd();
  const answer = (shown) => shown.slice(shown.lastIndexOf(entered) + entered.length);
  const ended = (shown) => shown !== before && shown.includes(entered) && /\n[^\n]*\$ ?$/.test(answer(shown));
  return answer(await until(page, ended, timeout));
}
