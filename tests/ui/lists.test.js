// Layouts of a list and what is done to many records at once, in a real browser against the real binary.
import assert from 'node:assert/strict';
import { api, app, grid, make, unique } from './harness.js';

const { kith, withPage } = app(60);
const read = async (page, id) => (await api(page, 'GET', `/records/deals/${id}`)).body.values;
const only = (name) => `filter=${encodeURIComponent(`name == "${name}"`)}`;

withPage('a board opens where the records are, and then where the person last was', async (page) => {
  const pipeline = await make(page, 'pipelines', { name: unique('Busy') });
  const stage = await make(page, 'stages', { name: 'Start', pipeline: pipeline.id });
  const counts = (await api(page, 'GET', '/records/deals/groups?by=pipeline')).body.items;
  const operations = Array.from({ length: Math.max(...counts.map((c) => c.count)) + 1 }, (_, i) => ({
    op: 'create',
    values: { name: `Busy ${i}`, pipeline: pipeline.id, stage: stage.id },
  }));
  const made = await api(page, 'POST', '/records/deals/batch', { operations });
  assert.equal(made.status, 200, JSON.stringify(made.body));

  await page.goto(`${kith.url}/records/deals?layout=board`);
  await page.getByRole('tab', { selected: true }).getByText(pipeline.values.name).waitFor();
  await page.getByRole('tab', { name: /^Sales/ }).click();
  await page.getByRole('heading', { name: 'Qualification' }).waitFor();
  await page.goto(`${kith.url}/records/deals`);
  await page.goto(`${kith.url}/records/deals?layout=board`);
  await page.getByRole('tab', { selected: true }).getByText('Sales').waitFor();
});

withPage('the layout last chosen for a list stands when it is opened again', async (page) => {
  await page.goto(`${kith.url}/records/leads`);
  await page.getByRole('button', { name: 'Board' }).click();
  await page.locator('[data-column]').first().waitFor();
  await page.goto(`${kith.url}/records/leads`);
  await page.locator('[data-column]').first().waitFor();
  await page.getByRole('button', { name: 'Table' }).click();
  await grid(page).waitFor();
});

withPage('a calendar shows records on their day, and moves them by mouse and by keyboard', async (page) => {
  const name = unique('Dated');
  const deal = await make(page, 'deals', { name, close_date: '2031-05-14' });
  await page.goto(`${kith.url}/records/deals?layout=calendar&by=close_date&month=2031-05`);
  await page.getByRole('heading', { name: 'May 2031' }).waitFor();
  const on = (day) => page.locator(`[data-column="${day}"]`);
  const entry = on('2031-05-14').getByRole('link', { name });
  const from = await entry.boundingBox();
  const to = await on('2031-05-20').boundingBox();
  await page.mouse.move(from.x + 20, from.y + 6);
  await page.mouse.down();
  await page.mouse.move(from.x + 60, from.y + 40, { steps: 4 });
  await page.mouse.move(to.x + 40, to.y + 50, { steps: 6 });
  await Promise.all([page.waitForResponse((r) => r.request().method() === 'PATCH' && r.ok()), page.mouse.up()]);
  assert.equal((await read(page, deal.id)).close_date, '2031-05-20');

  await on('2031-05-20').getByRole('link', { name }).focus();
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowLeft');
  await Promise.all([
    page.waitForResponse((r) => r.request().method() === 'PATCH' && r.ok()),
    page.keyboard.press(' '),
  ]);
  assert.equal((await read(page, deal.id)).close_date, '2031-05-26');
  // June begins on a Sunday and so shows the last week of May too; July shows nothing of it.
  await page.getByRole('button', { name: 'Next month' }).click();
  await page.getByRole('button', { name: 'Next month' }).click();
  await page.getByRole('heading', { name: 'July 2031' }).waitFor();
  assert.equal(await page.getByRole('link', { name }).count(), 0);
});

withPage('an action runs on the selected records it applies to, and says which it leaves', async (page) => {
  const name = unique('Closing');
  const stages = (await api(page, 'GET', '/records/stages?limit=50')).body.items;
  const { pipeline } = stages.find((s) => s.values.outcome === 'won').values;
  const stage = (outcome) => stages.find((s) => s.values.pipeline === pipeline && s.values.outcome === outcome).id;
  const open = [await make(page, 'deals', { name, stage: stage('open') }), await make(page, 'deals', { name, stage: stage('open') })];
  const won = await make(page, 'deals', { name, stage: stage('won') });
  await page.goto(`${kith.url}/records/deals?layout=table&${only(name)}`);
  await page.getByLabel('Select all that are loaded').check();
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Mark as won' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('It applies to 2 of the 3 selected records').waitFor();
  await dialog.getByRole('button', { name: 'Mark as won' }).click();
  await page.getByText('Mark as won: 2 records').waitFor();
  for (const deal of open) assert.equal((await read(page, deal.id)).status, 'won');
  assert.equal((await api(page, 'GET', `/records/deals/${won.id}`)).body.version, won.version);
});

withPage('an action that lacks its input is refused at its field, and nothing is done', async (page) => {
  const name = unique('Losing');
  const deals = [await make(page, 'deals', { name }), await make(page, 'deals', { name })];
  await page.goto(`${kith.url}/records/deals?layout=table&${only(name)}`);
  await page.getByLabel('Select all that are loaded').check();
  await page.getByRole('button', { name: 'Actions' }).click();
  await page.getByRole('menuitem', { name: 'Mark as lost' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Mark as lost' }).click();
  await dialog.getByRole('alert').first().waitFor();
  for (const deal of deals) assert.equal((await read(page, deal.id)).status, 'open');
});

withPage('an edit of several records can be undone', async (page) => {
  const name = unique('Edited');
  const deals = [await make(page, 'deals', { name, close_date: '2031-01-01' }), await make(page, 'deals', { name })];
  await page.goto(`${kith.url}/records/deals?layout=table&${only(name)}`);
  await page.getByLabel('Select all that are loaded').check();
  await page.getByRole('button', { name: 'Edit field' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Field').selectOption({ label: 'Close date' });
  await dialog.getByLabel('Close date').fill('2032-02-02');
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('2 records changed').waitFor();
  for (const deal of deals) assert.equal((await read(page, deal.id)).close_date, '2032-02-02');
  await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/batch') && r.ok()),
    page.getByRole('button', { name: 'Undo' }).click(),
  ]);
  assert.deepEqual(await Promise.all(deals.map(async (d) => (await read(page, d.id)).close_date ?? null)), ['2031-01-01', null]);
});
