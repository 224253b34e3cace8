// What people may ask of a team: to be forgotten, to see what is held, and that nothing is kept for longer than said.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { api, app, make, makePerson, openPage, signIn, unique } from './harness.js';

const { kith, browser, withPage } = app(40);

const inMenu = async (page, item) => {
  await page.getByRole('button', { name: 'More' }).click();
  return page.getByRole('menuitem', { name: item });
};

withPage('a person is erased after a look at what goes and after typing the name', async (page) => {
  const name = unique('Forgotten');
  const person = await makePerson(page, { last_name: name });
  const note = await make(page, 'notes', { body: 'Called back', about: person.id });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await (await inMenu(page, 'Erase for good')).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('What goes').waitFor();
  await dialog.getByRole('link', { name: 'Called back' }).waitFor();
  const run = dialog.getByRole('button', { name: 'Erase for good' });
  assert.equal(await run.isDisabled(), true, 'nothing is typed yet');
  await dialog.getByLabel(`Type “${name}” to confirm`).fill(name.slice(0, -1));
  assert.equal(await run.isDisabled(), true, 'not all of the name is typed');
  await dialog.getByLabel('Reason').fill('asked for it');
  await dialog.getByLabel(`Type “${name}” to confirm`).fill(name.toUpperCase());
  await run.click();
  await page.getByText(/records? erased for good/).waitFor();
  await page.waitForURL(`${kith.url}/records/people`);
  assert.equal((await api(page, 'GET', `/records/people/${person.id}`)).status, 404);
  const history = await api(page, 'GET', `/records/people/${person.id}/history`);
  assert.ok(!JSON.stringify(history.body).includes(name), 'what is left of its history is a gap');
  assert.equal((await api(page, 'GET', `/records/notes/${note.id}`)).status, 404, 'what hangs on it goes too');
  const erased = (await api(page, 'GET', '/records/erasures?sort=-created_at&limit=1')).body.items[0];
  assert.equal(erased.values.reason, 'asked for it');
});

withPage('an erasure that is broken off erases nothing', async (page) => {
  const person = await makePerson(page, { last_name: unique('Kept') });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await (await inMenu(page, 'Erase for good')).click();
  await page.getByRole('dialog').getByText('What goes').waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.equal((await api(page, 'GET', `/records/people/${person.id}`)).status, 200);
});

withPage('who may not erase is not offered it', async (page) => {
  const person = await makePerson(page, { last_name: unique('Guarded') });
  const roles = (await api(page, 'GET', '/records/roles?limit=50')).body.items;
  const role = roles.find((r) => r.values.key === 'member').id;
  const email = `${unique('member').replace(/\s/g, '.')}@demo.example`;
  const password = 'seven grey herons at dusk';
  assert.equal((await api(page, 'POST', '/users', { email, name: 'Member', role, password })).status, 201);
  const other = await openPage(browser);
  await signIn(other.page, { ...kith, email, password });
  await other.page.goto(`${kith.url}/records/people/${person.id}`);
  assert.equal(await (await inMenu(other.page, 'Erase for good')).count(), 0);
  const refused = await api(other.page, 'POST', `/records/people/${person.id}/erase`, { preview: true });
  assert.equal(refused.status, 403, JSON.stringify(refused.body));
  await other.close();
});

withPage('everything held on a person is downloaded as one file', async (page) => {
  const name = unique('Asking');
  const person = await makePerson(page, { last_name: name });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  const item = await inMenu(page, 'Download everything held');
  const [file] = await Promise.all([page.waitForEvent('download'), item.click()]);
  assert.equal(file.suggestedFilename(), `personal-data-${person.id}.tar`);
  const content = await readFile(await file.path());
  assert.ok(content.includes('data.json') && content.includes('index.html') && content.includes(name));
});

withPage('a rule of retention is made, looked at, changed and run', async (page) => {
  const word = unique('Outdated').replace(/\s/g, '-');
  const person = await makePerson(page, { last_name: word, job_title: 'Clerk' });
  await page.goto(`${kith.url}/settings/retention`);
  await page.getByRole('button', { name: 'New rule' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill('Former clerks');
  await form.getByLabel('What happens').selectOption({ label: 'Anonymise fields' });
  await form.getByLabel('Of', { exact: true }).selectOption({ label: 'People' });
  await form.getByLabel('After days').fill('0');
  await form.getByLabel('Only where').fill(`last_name == "${word}"`);
  await form.getByRole('button', { name: 'Save' }).click();
  await form.getByRole('alert').first().waitFor();
  await form.getByLabel('Add a field').selectOption({ label: 'Last name' });
  await form.getByLabel('Last name', { exact: true }).fill('former clerk');
  await form.getByRole('button', { name: 'What would it touch?' }).click();
  await form.getByText(/^1 of \d+ in People$/).waitFor();
  assert.equal((await api(page, 'GET', `/records/people/${person.id}`)).body.values.last_name, word);
  await form.getByRole('button', { name: 'Save' }).click();
  const line = page.locator('li', { hasText: 'Former clerks' });
  await line.getByText('People: anonymised after 0 days').waitFor();
  await line.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Look and run…' }).click();
  const question = page.getByRole('dialog');
  await question.getByText('Nobody can bring back what it takes.').waitFor();
  await question.getByRole('button', { name: 'Run now' }).click();
  await page.getByText('1 record touched').first().waitFor();
  const after = (await api(page, 'GET', `/records/people/${person.id}`)).body;
  assert.equal(after.values.last_name, 'former clerk');
  assert.equal(after.values.job_title, 'Clerk');
  await line.getByRole('button', { name: 'Former clerks' }).click();
  await form.getByLabel('Runs by itself every day').check();
  await form.getByRole('button', { name: 'Save' }).click();
  await line.getByText('on', { exact: true }).waitFor();
});

withPage(
  'on a phone the settings are chosen from a list in groups',
  async (page) => {
    await page.goto(`${kith.url}/settings/profile`);
    const choice = page.getByLabel('Settings').and(page.locator('select'));
    await choice.waitFor();
    assert.deepEqual(
      await choice.locator('optgroup').evaluateAll((groups) => groups.map((g) => g.label)),
      ['You', 'People and rights', 'Data', 'Trust'],
    );
    await choice.selectOption({ label: 'Audit' });
    await page.waitForURL(/settings\/audit/);
    const text = await page.getByText('Who did what, and when').boundingBox();
    assert.ok(text.width > 300, 'the words under the heading have the width of the phone');
  },
  { viewport: { width: 390, height: 844 } },
);

withPage('a telephone number is shown in groups and dialled as it is stored', async (page) => {
  const person = await makePerson(page, { last_name: unique('Reached'), phones: ['+4520123456'] });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  const link = page.getByRole('link', { name: '+45 20 12 34 56' });
  assert.equal(await link.getAttribute('href'), 'tel:+4520123456');
});
