// Times that a person feels. They are printed, for what they are depends on the machine; what is asserted is far from
// any machine's best.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { address, done, launch, prompt, until } from './page.mjs';

after(done);

const median = (numbers) => numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** A window of a new visitor. The browser builds parts of its own for it, for two seconds and on all cores: not our time. */
async function visitor() {
  const context = await (await launch()).newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.waitForTimeout(2500);
  return page;
}

test('from a cold load to a prompt that answers', async () => {
  const times = [];
  for (let turn = 0; turn < 3; turn += 1) {
    const page = await visitor();
    await page.goto(await address());
    await prompt(page);
    await page.evaluate(() => document.querySelector('.screen').drydockTerminal.xterm.input('echo answered\r'));
    await until(page, /\nanswered/);
    times.push(await page.evaluate(() => performance.now()));
    await page.context().close();
  }
  console.log(`cold load to answering prompt: ${Math.round(median(times))} ms (first bar 1000 ms)`);
  assert.ok(median(times) < 10_000);
});

test('from a key to its echo, and the longest task of the main thread', async () => {
  const page = await visitor();
  await page.addInitScript(() => {
    globalThis.tasks = [];
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries()) globalThis.tasks.push(Math.round(entry.duration));
    }).observe({ entryTypes: ['longtask'] });
  });
  await page.goto(await address());
  await prompt(page);
  const loading = await page.evaluate(() => globalThis.tasks.splice(0));
  await page.waitForTimeout(1500);
  const echoes = await page.evaluate(async () => {
    const { xterm } = document.querySelector('.screen').drydockTerminal;
    const seen = [];
    for (const key of 'kubectl get pods --all-namespaces') {
      const pressed = performance.now();
      xterm.input(key);
      await new Promise((done) => {
        const listener = xterm.onWriteParsed(() => {
          listener.dispose();
          done();
        });
      });
      seen.push(performance.now() - pressed);
      await new Promise((done) => setTimeout(done, 20));
    }
    return seen;
  });
  console.log(`key to echo: ${median(echoes).toFixed(1)} ms, at most ${Math.max(...echoes).toFixed(1)} ms (first bar 16 ms)`);
  console.log(`tasks over 50 ms while loading: ${loading.join(', ') || 'none'} (first bar 50 ms)`);
  assert.ok(median(echoes) < 100);
});
