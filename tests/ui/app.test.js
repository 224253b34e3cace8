// The web app in a real browser against the real binary: what a person does in a day. Pixel positions are not tested.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { api, app, grid, makePerson, openPage, signIn, unique } from './harness.js';

const { kith, browser, withPage } = app();

const field = (page, key) => page.locator(`[data-field="${key}"]`);

test('a wrong password is refused in words and leaves nobody signed in', async () => {
  const { page, close } = await openPage(browser);
  await page.goto(kith.url);
  await page.getByLabel('E-mail').fill(kith.email);
  await page.getByLabel('Password').fill('not this one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('alert').getByText('E-mail or password is wrong.').waitFor();
  assert.equal((await api(page, 'GET', '/session')).status, 401);
  await close();
});

withPage('signing out ends the session', async (page) => {
  await page.getByRole('button', { name: 'Your account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await page.getByRole('button', { name: 'Sign in' }).waitFor();
  assert.equal((await api(page, 'GET', '/session')).status, 401);
});

withPage('a list pages endlessly while it is scrolled', async (page) => {
  await page.goto(`${kith.url}/records/people`);
  await grid(page).getByRole('row').nth(3).waitFor();
  const { body } = await api(page, 'GET', '/records/people?limit=1');
  for (let i = 0; i < 40; i += 1) {
    await grid(page).evaluate((node) => node.scrollTo(0, node.scrollHeight));
    await page.waitForTimeout(80);
  }
  const last = await grid(page).getByRole('row').last().getAttribute('aria-rowindex');
  assert.ok(Number(last) >= body.total, `row ${last} of ${body.total}`);
});

withPage('the filter builder writes a filter that the list obeys', async (page) => {
  const name = unique('Quillon');
  await makePerson(page, { last_name: name });
  await page.goto(`${kith.url}/records/people`);
  await page.getByRole('button', { name: 'Filter', exact: true }).click();
  await page.getByLabel('Field').selectOption({ label: 'Last name' });
  await page.getByLabel('Value').fill(name.toUpperCase().slice(0, 14));
  await page.waitForURL(/filter=/);
  await grid(page).getByText(name).waitFor();
  await page.waitForFunction(() => document.querySelectorAll('[role=row]').length <= 4);
});

withPage('a broken expression is explained, not swallowed', async (page) => {
  await page.goto(`${kith.url}/records/people?filter=${encodeURIComponent('last_name ==')}`);
  await page.getByRole('heading', { name: 'The filter does not work' }).waitFor();
});

withPage('search finds a record from anywhere and opens it', async (page) => {
  const name = unique('Zarathustra');
  await makePerson(page, { first_name: 'Ada', last_name: name });
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill(name);
  await page.getByRole('option', { name: new RegExp(name) }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: new RegExp(name) }).waitFor();
});

withPage('a person is made, edited in place, put in the trash and brought back', async (page) => {
  const name = unique('O’Hara');
  await page.goto(`${kith.url}/records/people`);
  await page.getByRole('button', { name: 'New' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('First name').fill('Zoë');
  await dialog.getByLabel('Last name').fill(name);
  await dialog.getByRole('button', { name: 'Create', exact: true }).click();
  await page.getByRole('button', { name: 'Open', exact: true }).click();
  await page.getByRole('heading', { level: 1, name: new RegExp(name) }).waitFor();

  await page.getByRole('button', { name: 'Edit Job title' }).click();
  await page.keyboard.type('Harbour master');
  await page.keyboard.press('Enter');
  await field(page, 'job_title').getByText('Harbour master').waitFor();

  await page.getByRole('tab', { name: 'History' }).click();
  await page.getByRole('tabpanel').or(page.locator('.panel')).getByText('Harbour master').first().waitFor();

  const id = page.url().split('/').pop().split('?')[0];
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Delete' }).click();
  await page.waitForURL(/records\/people$/);
  assert.equal((await api(page, 'GET', `/records/people/${id}`)).body.trashed ?? true, true);
  await page.getByRole('button', { name: 'Undo' }).click();
  await page.getByText('Restored').waitFor();
  await page.goto(`${kith.url}/records/people/${id}`);
  await page.getByRole('heading', { level: 1, name: new RegExp(name) }).waitFor();
});

withPage('a value that is refused is explained at its field and nothing is saved', async (page) => {
  const person = await makePerson(page, { last_name: unique('Refused') });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByRole('button', { name: 'Edit E-mail' }).click();
  await page.keyboard.type('not an address');
  await page.keyboard.press('Enter');
  await field(page, 'emails').getByRole('alert').waitFor();
  const { body } = await api(page, 'GET', `/records/people/${person.id}`);
  assert.equal(body.version, person.version);
});

withPage('a change made elsewhere appears in list and record without reload', async (page) => {
  const name = unique('Live');
  const person = await makePerson(page, { last_name: name });
  const other = await openPage(browser);
  await signIn(other.page, kith);
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByRole('heading', { level: 1, name: new RegExp(name) }).waitFor();
  await api(other.page, 'PATCH', `/records/people/${person.id}`, { values: { job_title: 'Lighthouse keeper' } });
  await field(page, 'job_title').getByText('Lighthouse keeper').waitFor();

  await page.goto(`${kith.url}/records/people?filter=${encodeURIComponent(`last_name == "${name}"`)}`);
  await grid(page).getByText('Lighthouse keeper').waitFor();
  await api(other.page, 'PATCH', `/records/people/${person.id}`, { values: { job_title: 'Pilot' } });
  await grid(page).getByText('Pilot').waitFor();
  await other.close();
});

withPage('an edit survives a change made elsewhere, and says so', async (page) => {
  const person = await makePerson(page, { last_name: unique('Conflict'), job_title: 'Before' });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByRole('button', { name: 'Edit Job title' }).click();
  await page.keyboard.press('Control+a');
  await page.keyboard.type('Mine');
  await api(page, 'PATCH', `/records/people/${person.id}`, { values: { job_title: 'Theirs' } });
  await field(page, 'job_title').getByRole('alert').getByText('Theirs', { exact: true }).waitFor();
  assert.equal(await field(page, 'job_title').getByRole('textbox').inputValue(), 'Mine');
  await page.getByRole('button', { name: 'Use theirs' }).click();
  await field(page, 'job_title').getByText('Theirs').waitFor();
});

withPage('notes and tasks stand in the timeline; scripts in them stay text', async (page) => {
  const person = await makePerson(page, { last_name: unique('Timeline') });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByPlaceholder('Write a note…').fill('Hello **there** <img src=x onerror="document.title=1"> [x](javascript:alert(1))');
  await page.getByRole('button', { name: 'Add note' }).click();
  const note = page.locator('.note');
  await note.locator('strong', { hasText: 'there' }).waitFor();
  assert.equal(await note.locator('img').count(), 0);
  assert.equal(await note.locator('a').count(), 0);

  await page.getByRole('button', { name: 'Task', exact: true }).click();
  await page.getByPlaceholder('What is to be done?').fill('Call back');
  await page.keyboard.press('Enter');
  await page.getByRole('link', { name: 'Call back' }).waitFor();
  await page.getByRole('checkbox', { name: 'Done' }).check();
  await page.locator('a.done', { hasText: 'Call back' }).waitFor();
});

withPage('an attachment goes up and comes down as it was', async (page) => {
  const person = await makePerson(page, { last_name: unique('Attach') });
  await page.goto(`${kith.url}/records/people/${person.id}?tab=files`);
  const name = 'Tilbud – Zoë (1).txt';
  const content = 'æøå\n'.repeat(1000);
  await page.locator('.files input[type=file]').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(content) });
  const link = page.getByRole('link', { name });
  await link.waitFor();
  const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  assert.equal(Buffer.concat(parts).toString(), content);
});

withPage('a card is moved by mouse and by keyboard, and stays moved', async (page) => {
  await page.goto(`${kith.url}/records/deals?layout=board&filter=${encodeURIComponent('status == "open"')}`);
  const columns = page.locator('[data-column]');
  await columns.first().getByRole('link').first().waitFor();
  const card = columns.first().locator('.card').first();
  const id = (await card.getAttribute('id')).replace('card-', '');
  const from = await card.boundingBox();
  const to = await columns.nth(1).boundingBox();
  await page.mouse.move(from.x + 20, from.y + from.height - 6);
  await page.mouse.down();
  await page.mouse.move(from.x + 80, from.y + 60, { steps: 4 });
  await page.mouse.move(to.x + 60, to.y + 120, { steps: 6 });
  const second = await columns.nth(1).getAttribute('data-column');
  await Promise.all([page.waitForResponse((r) => r.request().method() === 'PATCH' && r.ok()), page.mouse.up()]);
  assert.equal((await api(page, 'GET', `/records/deals/${id}`)).body.values.stage, second);

  await page.locator(`#card-${id}`).focus();
  await page.keyboard.press(' ');
  await page.keyboard.press('ArrowLeft');
  const first = await columns.first().getAttribute('data-column');
  await Promise.all([
    page.waitForResponse((r) => r.request().method() === 'PATCH' && r.ok()),
    page.keyboard.press(' '),
  ]);
  assert.equal((await api(page, 'GET', `/records/deals/${id}`)).body.values.stage, first);
});

withPage('several records are edited and deleted at once, and deleting can be undone', async (page) => {
  const name = unique('Bulk');
  for (let i = 0; i < 3; i += 1) await makePerson(page, { first_name: String(i), last_name: name });
  const filter = encodeURIComponent(`last_name == "${name}"`);
  const total = async () => (await api(page, 'GET', `/records/people?filter=${filter}`)).body.total;
  await page.goto(`${kith.url}/records/people?filter=${filter}`);
  await page.getByLabel('Select all that are loaded').check();
  await page.getByRole('button', { name: 'Edit field' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Field').selectOption({ label: 'Job title' });
  await dialog.getByLabel('Job title').fill('Crew');
  await dialog.getByRole('button', { name: 'Apply' }).click();
  await page.getByText('3 records changed').waitFor();
  await page.getByRole('toolbar').getByRole('button', { name: 'Delete' }).click();
  await page.getByText('3 records moved to the trash').waitFor();
  assert.equal(await total(), 0);
  // The edit before it can be undone as well: the last message is about deleting.
  await page.getByRole('button', { name: 'Undo' }).last().click();
  await grid(page).getByText('Crew').first().waitFor();
  assert.equal(await total(), 3);
});

withPage('an import is previewed, run and undone', async (page) => {
  const name = unique('Import');
  const rows = ['First Name,Last Name,Email', `A,${name},a.${Date.now()}@example.com`, `B,${name},broken`, `C,${name},c.${Date.now()}@example.com`];
  await page.goto(`${kith.url}/import?object=people`);
  await page.locator('input[type=file]').setInputFiles({ name: 'people.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) });
  await page.getByLabel('Field for Last Name').waitFor();
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: /^Import \d+ records?/ }).click();
  await page.getByRole('heading', { name: 'Import done' }).waitFor();
  const filter = encodeURIComponent(`last_name == "${name}"`);
  const total = async () => (await api(page, 'GET', `/records/people?filter=${filter}`)).body.total;
  assert.ok((await total()) >= 2);
  await page.getByRole('button', { name: 'Undo import' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Undo import' }).click();
  await page.getByRole('heading', { name: 'Import undone' }).waitFor();
  assert.equal(await total(), 0);
});

withPage('an import makes the field that a column needs', async (page) => {
  const [name, header] = [unique('Sized'), unique('Shoe size')];
  const rows = [`Last Name,${header}`, `${name},43`, `${name},38`];
  await page.goto(`${kith.url}/import?object=people`);
  await page.locator('input[type=file]').setInputFiles({ name: 'sizes.csv', mimeType: 'text/csv', buffer: Buffer.from(rows.join('\n')) });
  await page.getByLabel(`Field for ${header}`).selectOption({ label: 'New field…' });
  const dialog = page.getByRole('dialog');
  assert.equal(await dialog.getByLabel('Kind').inputValue(), 'integer');
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.waitForFunction(() => [...document.querySelectorAll('.column select')].every((select) => select.value));
  await page.getByRole('button', { name: 'Preview' }).click();
  await page.getByRole('button', { name: /^Import \d+ records?/ }).click();
  await page.getByRole('heading', { name: 'Import done' }).waitFor();
  const { body } = await api(page, 'GET', `/records/people?filter=${encodeURIComponent(`last_name == "${name}"`)}`);
  const key = Object.keys(body.items[0].values).find((k) => k.startsWith('shoe_size'));
  assert.deepEqual(body.items.map((r) => r.values[key]).sort(), [38, 43]);
});

withPage('a deleted note can be brought back at once', async (page) => {
  const person = await makePerson(page, { last_name: unique('Noted') });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByPlaceholder('Write a note…').fill('Remember the milk');
  await page.getByRole('button', { name: 'Add note' }).click();
  const note = page.locator('.note', { hasText: 'Remember the milk' });
  await note.hover();
  await page.locator('.entry', { has: note }).getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  await note.waitFor();
});

withPage('a new field shows up in forms at once', async (page) => {
  const label = unique('Boat');
  await page.goto(`${kith.url}/settings/objects/people`);
  await page.getByRole('button', { name: 'New field' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Label').fill(label);
  await dialog.getByLabel('Shown in lists').check();
  await dialog.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: new RegExp(label) }).waitFor();
  await page.goto(`${kith.url}/records/people`);
  await page.getByRole('columnheader', { name: label }).waitFor({ state: 'attached' });
  await page.getByRole('button', { name: 'New', exact: true }).click();
  await page.getByRole('dialog').getByLabel(label).waitFor();
});

withPage('the app speaks Italian and Danish, built-in labels included', async (page) => {
  for (const [language, word] of [['Italiano', 'Persone'], ['Dansk', 'Personer'], ['English', 'People']]) {
    await page.locator('button.account').click();
    await page.getByRole('menuitem', { name: language }).click();
    await page.locator('nav').getByRole('link', { name: word, exact: true }).waitFor();
  }
});

withPage(
  'at 390 px nothing is wider than the screen, and navigation opens',
  async (page) => {
    const { body } = await api(page, 'GET', '/records/people?limit=1');
    for (const path of ['/records/people', `/records/people/${body.items[0].id}`, '/records/deals?layout=board', '/import', '/settings/profile', '/settings/users']) {
      await page.goto(kith.url + path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForTimeout(300);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 390, `${path} is ${wide} px wide`);
    }
    await page.goto(`${kith.url}/records/people`);
    await page.waitForFunction(() => document.querySelectorAll('[role=row]')[1]?.getBoundingClientRect().height > 55);
    await page.getByRole('button', { name: 'Open navigation' }).click();
    await page.getByRole('dialog').getByRole('link', { name: 'Deals' }).click();
    await page.getByRole('heading', { level: 1, name: 'Deals' }).waitFor();
  },
  { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
);
