// A learner works through lessons: runs what stands there, opens manifests, solves exercises, comes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { address, done, open, prompt, run, until } from './page.mjs';

after(done);

/** Plays every exercise of a lesson by typing what its solutions say, and looks at the ticks. */
async function play(page) {
  await prompt(page);
  const cards = page.locator('.exercise');
  await cards.first().waitFor();
  for (let at = 0; at < (await cards.count()); at += 1) {
    const card = cards.nth(at);
    await card.scrollIntoViewIfNeeded();
    await card.locator('header').click();
    const tasks = card.locator('.task');
    for (let task = 0; task < (await tasks.count()); task += 1) {
      const row = tasks.nth(task);
      if ((await row.getAttribute('class')).includes('solved')) continue;
      const byHand = row.getByRole('checkbox');
      if (await byHand.count()) {
        await byHand.click();
        continue;
      }
      // From vague to plain: the solution comes after the last hint.
      const hint = row.getByRole('button', { name: /hint/i });
      while (await hint.count()) await hint.click();
      await row.getByRole('button', { name: 'Show the solution' }).click();
      const solution = await row.locator('.code code').textContent();
      for (const line of joined(solution)) await run(page, line, 60_000);
      await row.and(page.locator('.solved')).waitFor({ timeout: 60_000 }).catch(() => {
        throw new Error(`exercise ${at + 1}, task ${task + 1} is not ticked after:\n${solution}`);
      });
    }
    await card.and(page.locator('.whole')).waitFor();
  }
}

/** The commands of a script, with continued lines and here-documents kept in one piece. */
function joined(script) {
  const commands = [];
  let end;
  for (const line of script.trim().split('\n')) {
    if (end !== undefined || commands.at(-1)?.endsWith('\\')) commands.push(`${commands.pop()}\n${line}`);
    else if (line.trim() && !line.startsWith('#')) commands.push(line);
    if (end === line.trim()) end = undefined;
    else end ??= /<<-?\s*'?(\w+)'?/.exec(line)?.[1];
  }
  return commands;
}

for (const lesson of ['pods', 'deployments']) {
  test(`the exercises of the lesson on ${lesson} can be solved by typing`, async () => {
    const page = await open(`?lesson=${lesson}`);
    await page.getByLabel('Speed of time').selectOption({ label: 'max' });
    await play(page);
    const meter = await page.locator('.meter').textContent();
    const [solved, all] = meter.split('/').map(Number);
    assert.equal(solved, all);
    // Solved stays solved.
    await page.waitForTimeout(1500);
    await page.reload();
    await page.locator('.exercise').first().waitFor();
    assert.equal(await page.locator('.meter').textContent(), meter);
    assert.deepEqual(page.faults, []);
  });
}

test('Run types into the terminal, a manifest opens in the editor and is applied by one key', async () => {
  const page = await open('?lesson=pods');
  await prompt(page);
  await page.locator('.code.runnable button', { hasText: 'Run' }).first().click();
  await until(page, /kubectl run .*\n.*created/);
  await page.locator('.code button', { hasText: 'Open as' }).first().click();
  await page.locator('.monaco .view-line').first().waitFor();
  await page.locator('.file-tab.shown', { hasText: '.yaml' }).waitFor();
  await page.locator('.monaco .view-lines').click();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('# mine\n');
  await page.keyboard.press('Control+Enter');
  await until(page, /kubectl apply -f \S+\.yaml\n.*(created|configured|unchanged)/);
  const name = await page.locator('.file-tab.shown button').first().textContent();
  assert.match(await run(page, `head -1 ${name}`), /# mine/);
  // The other way round: what the shell writes shows in the editor.
  await run(page, `echo 'kind: [' > ${name}`);
  await page.locator('.problems', { hasText: 'line' }).waitFor();
  assert.deepEqual(page.faults, []);
});

test('kubectl edit opens the editor and goes on when it is closed', async () => {
  const page = await open();
  await run(page, 'kubectl create configmap colours --from-literal=sky=blue');
  await page.locator('.screen textarea').focus();
  await page.keyboard.type('kubectl edit configmap colours\n');
  await page.getByText('kubectl edit waits for you').waitFor();
  await page.locator('.monaco .view-line', { hasText: 'sky' }).first().waitFor();
  await page.locator('.monaco .view-line', { hasText: 'sky' }).first().click();
  await page.keyboard.press('End');
  await page.keyboard.type('ish');
  await page.getByRole('button', { name: 'Save and close' }).click();
  await until(page, /configmap\/colours edited/);
  assert.match(await run(page, 'kubectl get configmap colours -o yaml'), /sky: blueish/);
  assert.deepEqual(page.faults, []);
});

test('a Markdown file from disk or from an address is a lesson', async () => {
  const markdown = '# Mine\n\n> **Try It**: Run `kubectl get nodes` and look.\n';
  const page = await open();
  await prompt(page);
  await page.getByRole('button', { name: 'Contents' }).click();
  await page.locator('input[type=file]').setInputFiles({
    name: 'mine.md',
    mimeType: 'text/markdown',
    buffer: Buffer.from(markdown),
  });
  await page.locator('.pane.lesson h1', { hasText: 'Mine' }).waitFor();
  await run(page, 'kubectl get nodes');
  await page.locator('.exercise.whole').waitFor();

  await page.route('**/elsewhere.md', (route) => route.fulfill({ body: markdown, contentType: 'text/markdown' }));
  await page.goto(`${await address()}?lesson=elsewhere.md`);
  await page.locator('.pane.lesson h1', { hasText: 'Mine' }).waitFor();
  assert.deepEqual(page.faults, []);
});

test('the seed lesson opens unchanged, and its Try It blocks are checklists', async (t) => {
  const file = new URL('../../../shared/seed/container-orchestration.md', import.meta.url);
  const markdown = await readFile(file, 'utf8').catch(() => undefined);
  if (!markdown) return t.skip('the seed is not beside this clone');
  const page = await open();
  await page.route('**/seed.md', (route) => route.fulfill({ body: markdown, contentType: 'text/markdown' }));
  await page.goto(`${await address()}?lesson=seed.md`);
  await page.locator('.pane.lesson h1', { hasText: 'Container Orchestration' }).waitFor();
  assert.ok((await page.locator('.exercise').count()) >= 7);
  assert.ok((await page.locator('.task').count()) >= 20);
  await run(page, 'kubectl cluster-info');
  await page.locator('.exercise').first().locator('.task.solved', { hasText: 'kubectl cluster-info' }).waitFor();
  assert.deepEqual(page.faults, []);
});
