// Takes the OpenAPI snapshot from a running Kith (KITH_URL, KITH_TOKEN). Keeps what is the same for every schema: the typed
// paths and schemas of single objects follow from metadata, which the app reads live.
import { writeFileSync } from 'node:fs';

const base = process.env.KITH_URL ?? 'http://127.0.0.1:5484';
const headers = process.env.KITH_TOKEN ? { authorization: `Bearer ${process.env.KITH_TOKEN}` } : {};
const answer = await fetch(`${base}/api/v1/openapi.json`, { headers });
if (!answer.ok) {
  console.error(
    `${base} answered ${answer.status}; start \`kith demo\` and set KITH_URL, and KITH_TOKEN to a token of it.`,
  );
  process.exit(1);
}
const document = await answer.json();
const ofOneObject = (name) => name.includes('.');

for (const [path, item] of Object.entries(document.paths)) {
  const typed = [...JSON.stringify(item).matchAll(/#\/components\/\w+\/([^"]+)/g)].some(([, name]) =>
    ofOneObject(name),
  );
  if (typed) delete document.paths[path];
}
for (const part of Object.values(document.components)) {
  for (const name of Object.keys(part)) if (ofOneObject(name)) delete part[name];
}
document.servers = [];
writeFileSync(new URL('../openapi.json', import.meta.url), `${JSON.stringify(document, null, 2)}\n`);
console.log(`${Object.keys(document.paths).length} paths, ${Object.keys(document.components.schemas).length} schemas`);
