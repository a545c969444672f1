// The page in other surroundings: a phone, a frame, a sub-path, no storage; by keyboard; in words.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { dist, done, launch, open, prompt, run, screen, serve, serveText, until } from './page.mjs';

after(done);

test('parameters choose panes and theme', async () => {
  for (const [search, shown] of [
    ['?layout=full', ['lesson', 'map', 'editor', 'terminal']],
    ['?layout=split', ['lesson', 'terminal']],
    ['?layout=terminal', ['terminal']],
    ['?layout=lesson', ['lesson']],
    ['?layout=map', ['map', 'terminal']],
  ]) {
    const page = await open(search);
    await page.locator('.app:not(.starting)').waitFor();
    const panes = await page.locator('.pane:visible').evaluateAll((all) => all.map((pane) => pane.id));
    assert.deepEqual(panes.sort(), [...shown].sort(), search);
    assert.deepEqual(page.faults, [], search);
    await page.context().close();
  }
  for (const theme of ['light', 'dark']) {
    const page = await open(`?theme=${theme}`, { colorScheme: theme === 'dark' ? 'light' : 'dark' });
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), theme);
    await page.context().close();
  }
});

test('the theme follows the system until the learner chooses', async () => {
  const page = await open('', { colorScheme: 'dark' });
  const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
  await prompt(page);
  assert.equal(await theme(), 'dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await page.waitForFunction(() => document.documentElement.dataset.theme === 'light');
  await page.getByRole('button', { name: 'Dark theme' }).click();
  await page.reload();
  assert.equal(await theme(), 'dark');
});

test('a phone shows one pane at a time, and nothing is cut off', async () => {
  const page = await open('?lesson=pods', { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await page.locator('.code.runnable button', { hasText: 'Run' }).first().click();
  await until(page, /created/);
  for (const pane of ['Lesson', 'Editor', 'Cluster', 'Terminal']) {
    await page.locator('.bottom-tabs button', { hasText: pane }).click();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 390, `${pane} is ${wide} wide`);
    assert.equal(await page.locator('.pane:visible').count(), 1, pane);
  }
  assert.deepEqual(page.faults, []);
});

test('it works under a sub-path, in a frame, and without storage', async () => {
  const server = await serve(dist, '/docs/v1/drydock/');
  const context = await (await launch()).newContext();
  await context.addInitScript(() => {
    const refuse = () => {
      throw new DOMException('refused', 'SecurityError');
    };
    Object.defineProperty(window, 'localStorage', { get: refuse });
  });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(server.url);
  await prompt(page);
  // Another site's documentation with the page in a frame.
  const site = await serveText(`<iframe width="900" height="500" src="${server.url}?layout=terminal"></iframe>`);
  await page.goto(site.url);
  await page.frameLocator('iframe').locator('.xterm-rows', { hasText: '$' }).waitFor();
  site.close();
  server.close();
  assert.deepEqual(faults, []);
});

test('everything is within reach of the keyboard, and has a name', async () => {
  const page = await open('?lesson=pods');
  await prompt(page);
  await run(page, 'kubectl create deployment web --image=nginx --replicas=2');
  await page.locator('.item.pod').nth(1).waitFor();
  const nameless = await page.locator('button:visible, [role=button]:visible, [role=separator]:visible').evaluateAll((all) =>
    all.filter((each) => !(each.getAttribute('aria-label') ?? each.textContent).trim()).map((each) => each.outerHTML),
  );
  assert.deepEqual(nameless, []);
  // From the terminal, which takes Tab, F6 leads on.
  await page.locator('.screen textarea').focus();
  await page.keyboard.press('F6');
  assert.equal(await page.evaluate(() => document.activeElement.closest('.pane').id), 'lesson');
  // The map: one stop for Tab, arrows from there, Enter for details.
  await page.locator('.item[tabindex="0"]').focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Enter');
  await page.locator('.details').waitFor();
  await page.keyboard.press('Escape');
  await page.locator('.details').waitFor({ state: 'detached' });
  // A line between panes.
  const line = page.getByRole('separator', { name: 'Lesson and cluster' });
  const before = Number(await line.getAttribute('aria-valuenow'));
  await line.press('ArrowRight');
  assert.equal(Number(await line.getAttribute('aria-valuenow')), before + 2);
  assert.deepEqual(page.faults, []);
});

test('the map moves with the cluster, and says the same in words', async () => {
  const page = await open();
  await page.getByLabel('Speed of time').selectOption({ label: 'max' });
  await run(page, 'kubectl create deployment web --image=nginx --replicas=3');
  await page.locator('.item.pod.ready').nth(2).waitFor();
  assert.equal(await page.locator('.item.deployment').count(), 1);
  assert.equal(await page.locator('.tie.owns').count(), 3);
  await page.getByRole('button', { name: 'In words' }).click();
  await page.locator('.map-words', { hasText: 'web: 3 of 3 ready' }).waitFor();
  await page.getByRole('button', { name: 'In words' }).click();
  await run(page, 'kubectl scale deployment web --replicas=1');
  await page.waitForFunction(() => document.querySelectorAll('.item.pod:not(.gone)').length === 1);
  assert.deepEqual(page.faults, []);
});

test('time stands still when it is told to, and the terminal answers all the same', async () => {
  const page = await open();
  await prompt(page);
  await page.getByRole('button', { name: 'Pause time' }).click();
  await page.locator('.clock.still').waitFor();
  const before = await page.locator('.clock').textContent();
  assert.match(await run(page, 'kubectl get nodes'), /minikube/);
  await page.waitForTimeout(1500);
  const seconds = (text) => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  assert.ok(seconds(await page.locator('.clock').textContent()) - seconds(before) <= 1);
  assert.doesNotMatch(await screen(page), /error/);
});
