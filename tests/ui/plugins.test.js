// Plugins as an administrator meets them: one is chosen, looked at, allowed, set up, used, seen failing, mended and taken away.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { api, app, make, makePerson, unique } from './harness.js';

const { kith, withPage } = app(40);

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const built = path.join(process.env.CARGO_TARGET_DIR ?? path.join(root, 'target'), 'plugins');
const bundled = path.join(root, 'plugins/dist');

/** A test that needs a plugin's file; left out, and said so, where 'cargo xtask plugins' has not built it. */
function withPlugin(file, name, run) {
  if (existsSync(file)) withPage(name, run);
  else test(name, { skip: `${file} is not there; 'cargo xtask plugins' builds it` }, () => {});
}

const of = (page, title) => page.locator('section', { has: page.getByRole('heading', { name: title, exact: true }) });

async function install(page, file) {
  const status = await page.evaluate(async (content) => {
    const form = new FormData();
    form.set('grant', 'true');
    form.set('file', new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], 'plugin.wasm'));
    return (await fetch('/api/v1/plugins', { method: 'POST', body: form })).status;
  }, readFileSync(file).toString('base64'));
  assert.equal(status, 201);
}

const lead = path.join(bundled, 'lead-scoring.wasm');
withPlugin(lead, 'a plugin that comes with Kith is looked at, allowed, set up, used and removed', async (page) => {
  const person = await makePerson(page, { last_name: unique('Scored'), job_title: 'Director of things' });
  await page.goto(`${kith.url}/settings/plugins`);
  await page.getByText('No plugins yet').waitFor();
  await page.getByRole('button', { name: 'Install: Lead scoring' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('May read all people').waitFor();
  await dialog.getByText('Adds to people: Score').waitFor();
  assert.deepEqual((await api(page, 'GET', '/plugins')).body.items, [], 'a look installs nothing');
  await dialog.getByRole('button', { name: 'Allow and install' }).click();
  await page.waitForURL(`${kith.url}/settings/plugins/lead-scoring`);
  await page.getByText('Enabled', { exact: true }).waitFor();

  const settings = of(page, 'Settings').last();
  await settings.getByLabel('Points from which a person is hot').fill('0');
  await settings.getByRole('button', { name: 'Add a row' }).click();
  await settings.getByRole('button', { name: 'Save' }).click();
  await settings.getByText("'Points from which a person is hot' is below 1").waitFor();
  await settings.getByText("'Field' is required").waitFor();
  assert.equal((await api(page, 'GET', '/plugins/lead-scoring/settings')).body.hot, 50, 'nothing was saved');
  await settings.getByRole('button', { name: 'Remove row 9' }).click();
  await settings.getByLabel('Points from which a person is hot').fill('20');
  await settings.getByRole('button', { name: 'Save' }).click();
  await page.getByText('Settings saved').waitFor();
  const saved = (await api(page, 'GET', '/plugins/lead-scoring/settings')).body;
  assert.deepEqual([saved.hot, saved.rules.length], [20, 8]);

  await page.goto(`${kith.url}/records/people/${person.id}`);
  const panel = page.getByRole('region', { name: 'Score' });
  await panel.getByText('job_title contains director').waitFor();
  await page.locator('[data-field="lead_scoring__score"]').getByText('25').waitFor();

  await page.goto(`${kith.url}/settings/plugins/lead-scoring`);
  await page.getByRole('button', { name: 'Remove with its data' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove', exact: true }).click();
  await page.getByText('No plugins yet').waitFor();
  const fields = (await api(page, 'GET', '/objects/people')).body.fields.map((f) => f.key);
  assert.ok(!fields.includes('lead_scoring__score'), 'its field went along');
});

const bad = path.join(built, 'fixture-bad.wasm');
withPlugin(bad, 'an event that a plugin did not take is seen and told again', async (page) => {
  await install(page, bad);
  const behave = (how) => api(page, 'PUT', '/plugins/fixture-bad/settings', { behaviour: how, where: 'after-commit' });
  assert.equal((await behave('trap')).status, 200);
  const name = unique('Unheard');
  const company = await make(page, 'companies', { name });
  await page.goto(`${kith.url}/settings/plugins/fixture-bad`);
  const failures = of(page, 'Events it could not take in');
  await failures.getByText(/1 attempt/).waitFor();
  await failures.getByText(/Company · created · Entry \d+/).first().waitFor();
  const link = failures.getByRole('link', { name });
  assert.equal(await link.getAttribute('href'), `/records/companies/${company.id}`);
  await of(page, 'Log').getByText(/a trap on purpose/).first().waitFor();
  assert.equal((await behave('none')).status, 200);
  await failures.getByRole('button', { name: 'Try again' }).first().click();
  await failures.waitFor({ state: 'detached' });
  assert.deepEqual((await api(page, 'GET', '/plugins/fixture-bad/failures')).body.items, []);
  assert.equal((await api(page, 'DELETE', '/plugins/fixture-bad?keep=false')).status, 204);
});

withPlugin(bad, 'new lines of a log appear by themselves, also after the server refused the stream once', async (page) => {
  await install(page, bad);
  const behave = (how) => api(page, 'PUT', '/plugins/fixture-bad/settings', { behaviour: how, where: 'action' });
  assert.equal((await behave('trap')).status, 200);
  const company = await make(page, 'companies', { name: unique('Acted') });
  const act = () => api(page, 'POST', `/records/companies/${company.id}/actions/fixture_bad__act`, {});
  assert.equal((await act()).status, 422);
  let refused = 0;
  await page.route('**/plugins/fixture-bad/stream*', (route) => {
    refused += 1;
    return refused === 1 ? route.fulfill({ status: 503, body: '' }) : route.fallback();
  });
  await page.goto(`${kith.url}/settings/plugins/fixture-bad`);
  const lines = of(page, 'Log').getByText(/a trap on purpose/);
  await lines.first().waitFor();
  assert.equal(refused, 2, 'refused once, and asked again');
  assert.equal(await lines.count(), 1, 'what was there before');
  const calls = of(page, 'Calls').getByRole('row', { name: /Actions/ }).getByRole('cell').nth(2);
  await calls.getByText('1', { exact: true }).waitFor();
  assert.equal((await act()).status, 422);
  await lines.nth(1).waitFor();
  await calls.getByText('2', { exact: true }).waitFor();
  assert.equal(await lines.count(), 2);
  assert.equal((await api(page, 'DELETE', '/plugins/fixture-bad?keep=false')).status, 204);
});

const good = path.join(built, 'fixture-good.wasm');
withPlugin(good, 'a form of a panel is filled in beside a record, and its file is imported', async (page) => {
  await install(page, good);
  const person = await makePerson(page, { first_name: 'Ann', last_name: unique('Paneled') });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  const panel = page.getByRole('region', { name: 'About' });
  await panel.getByLabel('Nickname').fill('Bee');
  await panel.getByRole('button', { name: 'Save' }).click();
  await panel.getByText('nickname: Bee').waitFor();

  await page.goto(`${kith.url}/import`);
  await page.getByLabel('Read by').selectOption('fixture-good/lines');
  const name = unique('Imported');
  const names = { name: 'names.txt', mimeType: 'text/plain', buffer: Buffer.from(`${name}\n`) };
  await page.locator('input[type=file]').setInputFiles(names);
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: 'Import 1 records' }).click();
  await page.getByText('Import done').waitFor();
  const found = await api(page, 'GET', `/records/people?q=${encodeURIComponent(name)}`);
  assert.equal(found.body.total, 1, JSON.stringify(found.body));
  assert.equal((await api(page, 'DELETE', '/plugins/fixture-good?keep=false')).status, 204);
});
