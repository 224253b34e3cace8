// Starts the real binary with sample data and opens the real browser. Knows no test; leaves nothing running.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

function binary() {
  const target = process.env.CARGO_TARGET_DIR ?? path.join(root, 'target');
  const places = [process.env.KITH_BIN, path.join(target, 'debug/kith'), path.join(target, 'release/kith')];
  const found = places.find((place) => place && existsSync(place));
  if (!found) throw new Error('no kith binary: run `cargo build`, or name one in KITH_BIN');
  return found;
}

function browserPath() {
  const places = [process.env.KITH_BROWSER, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];
  const found = places.find((place) => place && existsSync(place));
  if (!found) throw new Error('no Chromium: install it (Debian: apt-get install chromium), or name one in KITH_BROWSER');
  return found;
}

/** A free port from a range of our own, so that no other test's server is met. */
async function freePort() {
  for (let port = 5610; port < 5700; port += 1) {
    const free = await new Promise((done) => {
      const probe = createServer();
      probe.once('error', () => done(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => done(true)));
    });
    if (free) return port;
  }
  throw new Error('no free port between 5610 and 5699');
}

/** A running `kith demo`: its address and sign-in. */
export async function startKith(people = 300) {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(binary(), ['demo', '--records', String(people), '--listen', `127.0.0.1:${port}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  child.stdout.on('data', (part) => (said += part));
  child.stderr.on('data', (part) => (said += part));
  const gone = new Promise((done) => child.once('exit', done));
  for (const until = Date.now() + 90_000; !/password\s+\S+/.test(said); ) {
    if (child.exitCode !== null || Date.now() > until) throw new Error(`kith demo did not start:\n${said}`);
    await new Promise((done) => setTimeout(done, 50));
  }
  return {
    url,
    email: /e-mail\s+(\S+)/.exec(said)[1],
    password: /password\s+(\S+)/.exec(said)[1],
    async stop() {
      child.kill('SIGTERM');
      const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await gone;
      clearTimeout(late);
    },
  };
}

export function startBrowser() {
  return chromium.launch({
    executablePath: browserPath(),
    args: [
      '--no-sandbox', '--headless', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync',
    ],
  });
}

/** A page of its own browser profile. `faults` collects script errors and refusals of the content security policy. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1280, height: 860 }, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = [];
  page.on('pageerror', (error) => faults.push(error.message));
  page.on('console', (message) => {
    if (message.type() === 'error' && !/Failed to load resource/.test(message.text())) faults.push(message.text());
  });
  return { page, faults, close: () => context.close() };
}

export async function signIn(page, kith) {
  await page.goto(kith.url);
  await page.getByLabel('E-mail').fill(kith.email);
  await page.getByLabel('Password').fill(kith.password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('#content h1').waitFor();
}

/** The API as the signed-in page would call it; for what a test prepares or checks beside the UI. */
export async function api(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const answer = await fetch(`/api/v1${path}`, {
        method,
        headers: body ? { 'content-type': 'application/json' } : {},
        body: body ? JSON.stringify(body) : undefined,
      });
      const text = await answer.text();
      return { status: answer.status, body: text ? JSON.parse(text) : null };
    },
    [method, path, body ?? null],
  );
}

/** One server and one browser for a file of tests. `kith` and `browser` hold them once the tests run. */
export function app(people) {
  const kith = {};
  const browser = { newContext: (options) => browser.real.newContext(options) };
  before(async () => {
    const [started, real] = await Promise.all([startKith(people), startBrowser()]);
    Object.assign(kith, started);
    browser.real = real;
  });
  after(async () => {
    await browser.real?.close();
    await kith.stop?.();
  });
  /** A signed-in page for one test; script errors and refused inline code fail it. */
  function withPage(name, run, options) {
    test(name, async () => {
      const open = await openPage(browser, options);
      try {
        await signIn(open.page, kith);
        await run(open.page);
        assert.deepEqual(open.faults, []);
      } finally {
        await open.close();
      }
    });
  }
  return { kith, browser, withPage };
}

export const grid = (page) => page.getByRole('grid');

/** Words that no other test uses. */
export const unique = (text) => `${text} ${Date.now().toString(36)}${Math.floor(Math.random() * 1e6).toString(36)}`;

export async function make(page, object, values) {
  const made = await api(page, 'POST', `/records/${object}`, { values });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body;
}

export const makePerson = (page, values) => make(page, 'people', values);
