// Prints the compressed size of what the first page needs and of every later chunk; fails above the budget of DESIGN §7.
import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';

/** Compressed JavaScript of the first load. DESIGN §7. */
const FIRST_LOAD_BYTES_MAX = 150 * 1024;

const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));
const size = (file) => gzipSync(readFileSync(new URL(file, dist)), { level: 9 }).length;
const kib = (bytes) => `${(bytes / 1024).toFixed(1).padStart(7)} KiB`;

const first = new Set();
const collect = (key) => {
  const chunk = manifest[key];
  if (!chunk || first.has(key)) return;
  first.add(key);
  for (const next of chunk.imports ?? []) collect(next);
};
for (const [key, chunk] of Object.entries(manifest)) if (chunk.isEntry) collect(key);
// Signing in leads to a list: what that page needs counts as first load too.
for (const key of Object.keys(manifest)) if (/src\/pages\/(ListPage|SignIn|Workspace)\.svelte$/.test(key)) collect(key);

let total = 0;
let css = 0;
const styles = new Set();
console.log('first load (gzip):');
for (const key of first) {
  const bytes = size(manifest[key].file);
  total += bytes;
  for (const file of manifest[key].css ?? []) styles.add(file);
  console.log(`${kib(bytes)}  ${manifest[key].file}`);
}
for (const file of styles) css += size(file);
console.log(`${kib(total)}  JavaScript in all, budget ${kib(FIRST_LOAD_BYTES_MAX).trim()}`);
console.log(`${kib(css)}  styles`);
console.log('later, by route:');
for (const [key, chunk] of Object.entries(manifest)) {
  if (!first.has(key) && chunk.file.endsWith('.js')) console.log(`${kib(size(chunk.file))}  ${chunk.file}`);
}
if (total > FIRST_LOAD_BYTES_MAX) {
  console.error('First load is over its budget: move something behind an import() or drop it.');
  process.exit(1);
}
