// Takes the OpenAPI snapshot from a running Kith (KITH_URL, KITH_TOKEN) and commits nothing by itself.
import { writeFileSync } from 'node:fs';

const base = process.env.KITH_URL ?? 'http://127.0.0.1:5484';
const headers = process.env.KITH_TOKEN ? { authorization: `Bearer ${process.env.KITH_TOKEN}` } : {};
const answer = await fetch(`${base}/api/v1/openapi.json`, { headers });
if (!answer.ok) {
  console.error(`${base} answered ${answer.status}; start \`kith demo\` and set KITH_URL, or set KITH_TOKEN.`);
  process.exit(1);
}
writeFileSync(new URL('../openapi.json', import.meta.url), `${JSON.stringify(await answer.json(), null, 2)}\n`);
