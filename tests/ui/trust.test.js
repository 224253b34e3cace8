// What makes a team trust its records: the audit, in a real browser against the real binary.
import assert from 'node:assert/strict';
import { api, app, make, makePerson, openPage, unique } from './harness.js';

const { kith, browser, withPage } = app(40);

/** A page signed in as somebody who is no administrator. */
async function asMember(page, run) {
  const roles = (await api(page, 'GET', '/records/roles?limit=50')).body.items;
  const role = roles.find((r) => r.values.key === 'member').id;
  const email = `${unique('member').replace(/\s/g, '.')}@demo.example`;
  const password = 'seven grey herons at dusk';
  const made = await api(page, 'POST', '/users', { email, name: 'Member', role, password });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const other = await openPage(browser);
  await other.page.goto(kith.url);
  await other.page.getByLabel('E-mail').fill(email);
  await other.page.getByLabel('Password').fill(password);
  await other.page.getByRole('button', { name: 'Sign in' }).click();
  await other.page.locator('#content h1').waitFor();
  await run(other.page);
  await other.close();
}

withPage('the audit tells who changed which record, and follows its filters', async (page) => {
  const name = unique('Audited');
  const person = await makePerson(page, { last_name: name });
  await api(page, 'PATCH', `/records/people/${person.id}`, { values: { job_title: 'Keeper' } });
  await page.goto(`${kith.url}/records/people/${person.id}`);
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Audit' }).click();
  const lines = page.locator('.lines li');
  await lines.filter({ hasText: 'Job title' }).first().waitFor();
  await lines.first().getByRole('link', { name }).waitFor();
  await page.getByLabel('What').selectOption({ label: 'opened' });
  await page.waitForURL(/kind=opened/);
  await page.waitForFunction(() => [...document.querySelectorAll('.what > .badge')].every((b) => b.textContent === 'opened'));
  await page.getByLabel('What').selectOption({ label: 'erased for good' });
  await page.getByText('Nothing to see with these filters').waitFor();
});

withPage('the journal is verified on demand, and shows the head to write down', async (page) => {
  await make(page, 'companies', { name: unique('Chained') });
  await page.goto(`${kith.url}/settings/audit`);
  await page.getByRole('button', { name: 'Verify now' }).click();
  await page.getByText(/Everything verifies: [\d,]+ entries/).waitFor();
  const head = await page.locator('.report code').textContent();
  assert.match(head, /^\d+:[0-9a-f]{32,}$/);
});

withPage('who is no administrator sees no audit', async (page) => {
  await asMember(page, async (member) => {
    await member.goto(`${kith.url}/settings/profile`);
    await member.getByRole('heading', { name: 'Profile' }).waitFor();
    assert.equal(await member.getByRole('link', { name: 'Audit' }).count(), 0);
    await member.goto(`${kith.url}/settings/audit`);
    await member.getByText('You may not see this').waitFor();
    assert.equal((await api(member, 'GET', '/audit')).status, 403);
  });
});
