// A learner opens the page, types, reloads, goes back.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { done, open, prompt, run, screen, until } from './page.mjs';

after(done);

test('the terminal answers, and a reload keeps the session', async () => {
  const page = await open();
  await prompt(page);
  const nodes = await run(page, 'kubectl get nodes');
  assert.match(nodes, /NAME\s+STATUS\s+ROLES\s+AGE\s+VERSION/);
  assert.match(nodes, /minikube\s+Ready\s+control-plane/);
  await run(page, 'kubectl create deployment web --image=nginx');
  await run(page, 'echo kept > note.txt');
  await page.waitForFunction(() => localStorage.getItem('drydock:session:main'));
  // The session is kept a moment after the last key.
  await page.waitForTimeout(1500);
  await page.reload();
  await until(page, /echo kept > note\.txt[\s\S]*\$ ?$/);
  assert.match(await run(page, 'cat note.txt'), /kept/);
  assert.match(await run(page, 'kubectl get deployments'), /web/);
  assert.deepEqual(page.faults, []);
});

test('undo takes the last command back, reset begins anew', async () => {
  const page = await open();
  await run(page, 'echo one > note.txt');
  await run(page, 'rm note.txt');
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Taken back: rm note.txt').waitFor();
  assert.match(await run(page, 'cat note.txt'), /one/);
  await page.getByRole('button', { name: 'Reset' }).click();
  await page.getByRole('button', { name: 'New cluster' }).click();
  await until(page, (text) => !text.includes('note.txt') && /\$ ?$/.test(text));
  assert.match(await run(page, 'cat note.txt'), /No such file/);
  assert.deepEqual(page.faults, []);
});

test('the story shows what followed from what, and goes back', async () => {
  const page = await open();
  await prompt(page);
  await page.getByRole('button', { name: 'Story' }).click();
  await page.getByText('Nothing was written yet').waitFor();
  await run(page, 'kubectl create deployment web --image=nginx');
  const line = (text) => page.locator('.story li:has(summary)').filter({ has: page.locator('summary', { hasText: text }) });
  const [mine, set] = [line('you created deployment/web'), line('deployment-controller created replicaset/web-')];
  await line('scheduler gave a node to pod/web-').waitFor();
  const inset = (found) => found.locator('summary span').evaluate((element) => parseFloat(getComputedStyle(element).paddingLeft));
  assert.ok((await inset(set)) > (await inset(mine)));
  await set.locator('summary').click();
  await set.getByText('because you created').waitFor();
  await mine.locator('summary').click();
  await mine.getByRole('button', { name: 'Go back to before this command' }).click();
  await page.getByText('Nothing was written yet').waitFor();
  // The command stands there as it was typed.
  await until(page, /deployment web --image=nginx$/);
  await page.locator('.screen:not(.away) textarea').focus();
  await page.keyboard.press('Control+c');
  assert.match(await run(page, 'kubectl get deployments'), /No resources found/);
  assert.deepEqual(page.faults, []);
});

test('a flood of output leaves the page responsive, and Ctrl-C ends it', async () => {
  const page = await open();
  await prompt(page);
  await page.locator('.screen textarea').focus();
  await page.keyboard.type('while true; do echo x; done');
  await page.keyboard.press('Enter');
  await until(page, /x\nx\nx/);
  await page.waitForTimeout(1000);
  const delays = await page.evaluate(async () => {
    const seen = [];
    for (let at = 0; at < 30; at += 1) {
      const asked = performance.now();
      await new Promise(requestAnimationFrame);
      seen.push(performance.now() - asked);
    }
    return seen;
  });
  assert.ok(Math.max(...delays) < 400, `a frame took ${Math.max(...delays)} ms`);
  await page.keyboard.press('Control+c');
  await until(page, /\^C\s*\n.*\$ ?$/);
  assert.match(await run(page, 'echo still here'), /still here/);
  assert.deepEqual(page.faults, []);
});

test('too much and too wrong end in clear words', async () => {
  const page = await open();
  await run(page, 'kubectl create deployment web --image=nginx');
  const scaled = await run(page, 'kubectl scale deployment web --replicas=100000', 60_000);
  assert.ok(scaled.trim().length > 0);
  assert.match(await run(page, 'echo still here'), /still here/);
  await run(page, "printf 'a: b: c\\n' > bad.yaml");
  assert.match(await run(page, 'kubectl apply -f bad.yaml'), /error (parsing|converting)/);
  assert.deepEqual(page.faults, []);
});

test('several terminals run beside each other', async () => {
  const page = await open();
  await prompt(page);
  await page.getByRole('button', { name: 'Open another terminal' }).click();
  await page.locator('.screens .screen').nth(1).waitFor();
  assert.match(await run(page, 'echo second'), /second/);
  await page.getByRole('button', { name: 'Close terminal 2' }).click();
  await page.waitForFunction(() => document.querySelectorAll('.screens .screen').length === 1);
  assert.doesNotMatch(await screen(page), /second/);
  assert.deepEqual(page.faults, []);
});
