// What makes a team trust its records: audit, sign-in in two steps, sessions, passwords; in a real browser against the real binary.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { api, app, make, makePerson, openPage, signIn, unique } from './harness.js';

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
  await signIn(other.page, { ...kith, email, password });
  await run(other.page, { email, password });
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

/** The code an authenticator app would show (RFC 6238: SHA-1, six digits, thirty seconds). */
function totp(secret, at = Date.now()) {
  const bits = [...secret.replace(/\s|=/g, '')].map((c) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(c).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => Number.parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 30_000)));
  const hash = createHmac('sha1', key).update(counter).digest();
  const from = hash[19] & 15;
  return String((hash.readUInt32BE(from) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

withPage('a second factor is set up, asked for at sign-in, and a wrong code is refused', async (page) => {
  await asMember(page, async (member, who) => {
    await member.goto(`${kith.url}/settings/profile`);
    await member.getByRole('button', { name: 'Set up' }).click();
    const dialog = member.getByRole('dialog');
    await dialog.getByLabel('Current password').fill(who.password);
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.getByRole('img', { name: 'QR code for the authenticator app' }).waitFor();
    const secret = await dialog.locator('code').textContent();
    await dialog.getByLabel('Code', { exact: true }).fill('000000');
    await dialog.getByRole('button', { name: 'Apply' }).click();
    await dialog.getByRole('alert').waitFor();
    await dialog.getByLabel('Code', { exact: true }).fill(totp(secret));
    await dialog.getByRole('button', { name: 'Apply' }).click();
    const codes = member.locator('.codes code');
    await codes.first().waitFor();
    const recovery = await codes.allTextContents();
    assert.equal(recovery.length, 10);
    await member.getByRole('button', { name: 'I have kept them' }).click();
    await member.getByText('10 recovery codes left').waitFor();

    await member.getByRole('button', { name: 'Your account' }).click();
    await member.getByRole('menuitem', { name: 'Sign out' }).click();
    await member.getByLabel('E-mail').fill(who.email);
    await member.getByLabel('Password').fill(who.password);
    await member.getByRole('button', { name: 'Sign in' }).click();
    await member.getByRole('heading', { name: 'One more step' }).waitFor();
    assert.equal((await api(member, 'GET', '/session')).status, 401);
    await member.getByLabel('Code').fill('not-a-code');
    await member.getByRole('button', { name: 'Sign in' }).click();
    await member.getByRole('alert').getByText('The code is wrong').waitFor();
    await member.getByLabel('Code').fill(recovery[0]);
    await member.getByRole('button', { name: 'Sign in' }).click();
    await member.locator('#content h1').waitFor();
    await member.goto(`${kith.url}/settings/profile`);
    await member.getByText('9 recovery codes left').waitFor();
  });
});

withPage('one sees where one is signed in, and ends the others', async (page) => {
  await asMember(page, async (member, who) => {
    const elsewhere = await openPage(browser);
    await signIn(elsewhere.page, { ...kith, ...who });
    await member.goto(`${kith.url}/settings/profile`);
    const list = member.locator('section', { hasText: 'Where you are signed in' }).locator('li');
    await list.nth(1).waitFor();
    assert.equal(await list.filter({ hasText: 'This one' }).count(), 1);
    await list.nth(1).getByRole('button', { name: 'Sign out' }).click();
    await member.getByText('1 session ended').waitFor();
    assert.equal((await api(elsewhere.page, 'GET', '/session')).status, 401);
    assert.equal((await api(member, 'GET', '/session')).status, 200);
    await elsewhere.close();
  });
});

withPage('a weak password is refused with the reason, a strong one is taken', async (page) => {
  await asMember(page, async (member, who) => {
    await member.goto(`${kith.url}/settings/profile`);
    await member.getByLabel('Current password').fill(who.password);
    await member.getByLabel('New password', { exact: true }).fill('password1');
    const meter = member.getByRole('meter', { name: 'Strength of the password' });
    await meter.waitFor();
    assert.ok(Number(await meter.getAttribute('aria-valuenow')) < 3);
    await member.getByLabel('New password again').fill('password1');
    await member.getByRole('button', { name: 'Change password' }).click();
    await member.getByRole('alert').waitFor();
    assert.equal((await api(member, 'POST', '/session', { email: who.email, password: 'password1' })).status, 401);
    const strong = 'ninety-two paper lanterns drift';
    await member.getByLabel('Current password').fill(who.password);
    await member.getByLabel('New password', { exact: true }).fill(strong);
    await member.getByLabel('New password again').fill(strong);
    await member.getByRole('button', { name: 'Change password' }).click();
    await member.getByText('Password changed').waitFor();
  });
});

withPage('an administrator ends the sessions of a user', async (page) => {
  await asMember(page, async (member, who) => {
    await page.goto(`${kith.url}/settings/users`);
    const row = page.getByRole('row').filter({ hasText: who.email });
    await row.getByRole('button', { name: 'More' }).click();
    await page.getByRole('menuitem', { name: 'Sessions' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).first().click();
    await page.getByText('1 session ended').waitFor();
    assert.equal((await api(member, 'GET', '/session')).status, 401);
  });
});

withPage('a record is looked at as it was, one field is brought back, and that is undone', async (page) => {
  const person = await makePerson(page, { last_name: unique('Former'), job_title: 'Sailor', department: 'Deck' });
  const job = async () => (await api(page, 'GET', `/records/people/${person.id}`)).body.values;
  await api(page, 'PATCH', `/records/people/${person.id}`, { values: { job_title: 'Captain', department: 'Bridge' } });
  await page.goto(`${kith.url}/records/people/${person.id}?tab=history`);
  await page.getByRole('button', { name: 'As it was' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('Sailor').waitFor();
  await dialog.getByRole('button', { name: 'Bring back Job title' }).click();
  await page.getByText('Brought back').waitFor();
  assert.equal((await job()).job_title, 'Sailor');
  assert.equal((await job()).department, 'Bridge');
  await Promise.all([
    page.waitForResponse((r) => r.url().endsWith('/revert') && r.ok()),
    page.getByRole('button', { name: 'Undo' }).click(),
  ]);
  assert.equal((await job()).job_title, 'Captain');
});

withPage('a backup that has nowhere to go is refused, and the page says why', async (page) => {
  await page.goto(`${kith.url}/settings/backups`);
  await page.getByText('Nothing has been backed up yet.').waitFor();
  await page.getByRole('button', { name: 'Back up now' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual((await api(page, 'GET', '/backups')).body.items.filter((b) => b.state === 'done'), []);
});

withPage('a schedule that cannot work is refused and not kept', async (page) => {
  await page.goto(`${kith.url}/settings/backups`);
  const before = (await api(page, 'GET', '/backups/schedule')).body;
  await page.getByLabel('Folder on the server').fill('not/absolute');
  await page.getByLabel('Back up by itself').check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('alert').waitFor();
  assert.deepEqual((await api(page, 'GET', '/backups/schedule')).body, before);
});

withPage('who opens the vault is shown, and a new data key is made after a question', async (page) => {
  await page.goto(`${kith.url}/settings/keys`);
  const before = (await api(page, 'GET', '/keys')).body;
  await page.getByText(before.recipients[0].label, { exact: true }).waitFor();
  await page.getByText('in use', { exact: true }).waitFor();
  await page.getByText('There is no recovery key.').waitFor();
  await page.getByText('kith key recovery').waitFor();
  await page.getByRole('button', { name: 'Make a new one' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  assert.deepEqual((await api(page, 'GET', '/keys')).body, before);
  await page.getByRole('button', { name: 'Make a new one' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Make a new one' }).click();
  await page.getByText('Everything is sealed with the new data key').waitFor();
  const after = (await api(page, 'GET', '/keys')).body;
  assert.equal(after.rotation, null);
  assert.ok(after.data_keys.at(-1).id > before.data_keys.at(-1).id);
  assert.deepEqual(after.recipients, before.recipients);
});

withPage('nobody adds a key from a browser, and who is no administrator sees none', async (page) => {
  const added = await api(page, 'POST', '/keys', { label: 'mine', recipient: 'age1x' });
  assert.equal(added.status, 403, JSON.stringify(added.body));
  await asMember(page, async (member) => {
    await member.goto(`${kith.url}/settings/keys`);
    await member.getByText('You may not see this').waitFor();
    assert.equal(await member.getByRole('link', { name: 'Keys' }).count(), 0);
    assert.equal((await api(member, 'GET', '/keys')).status, 403);
    assert.equal((await api(member, 'POST', '/keys/rotate')).status, 403);
  });
});

withPage('the audit is searched by words, narrowed by day and address, and cleared again', async (page) => {
  const person = await makePerson(page, { last_name: unique('Sought'), job_title: 'Cooper' });
  await api(page, 'PATCH', `/records/people/${person.id}`, { values: { department: 'Casks' } });
  await page.goto(`${kith.url}/settings/audit`);
  const lines = page.locator('.lines li');
  const only = (text) => page.waitForFunction(
    (text) => [...document.querySelectorAll('.lines li')].length > 0 && [...document.querySelectorAll('.lines li')].every((l) => l.textContent.includes(text)),
    text,
  );
  await page.getByLabel('Search the audit').fill('changed department');
  await page.waitForURL(/text=changed/);
  await only('Department');
  await page.getByLabel('Until').fill('2020-01-01');
  await page.getByText('Nothing to see with these filters').waitFor();
  await page.getByRole('button', { name: 'Clear filters' }).click();
  await lines.nth(2).waitFor();
  assert.equal(new URL(page.url()).search, '');
  await page.getByLabel('Network address').fill('127.0.');
  await page.waitForURL(/address=127/);
  await only('127.0.0.1');
  await page.goto(`${kith.url}/settings/audit?since=yesterday`);
  await page.getByText("'since' must read like").waitFor();
});

withPage('what the filters show can be carried away as a table', async (page) => {
  await page.goto(`${kith.url}/settings/audit?kind=signed_in`);
  await page.locator('.lines li').first().waitFor();
  await page.getByRole('button', { name: 'Export' }).click();
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByRole('menuitem', { name: 'As a table (CSV)' }).click()]);
  assert.equal(file.suggestedFilename(), 'audit.csv');
  const [heading, ...rows] = (await readFile(await file.path(), 'utf8')).trim().split(/\r?\n/);
  assert.match(heading, /^seq,at,kind,/);
  assert.ok(rows.length > 0 && rows.every((row) => row.includes(',signed_in,')), rows.join('\n'));
});

withPage('a head written down earlier is checked, a forged one shows, an unreadable one is refused', async (page) => {
  const { anchor } = (await api(page, 'GET', '/audit/head')).body;
  await makePerson(page, { last_name: unique('Later') });
  await page.goto(`${kith.url}/settings/audit`);
  await page.getByText('Prove it from outside').click();
  await page.getByText('Head of the chain now').waitFor();
  const kept = page.getByLabel('Heads written down earlier');
  const check = page.getByRole('button', { name: 'Check against these' });
  await kept.fill(`# in the safe\n${anchor}`);
  await check.click();
  await page.getByText('The head written down is still part of it').waitFor();
  await kept.fill(`${anchor.split(':')[0]}:${'0'.repeat(64)}`);
  await check.click();
  await page.getByText(/the past was rewritten at or before entry/).waitFor();
  await kept.fill('no anchor');
  await check.click();
  await page.getByRole('alert').getByText(/is no anchor/).waitFor();
});
