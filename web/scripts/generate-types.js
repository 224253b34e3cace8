// Makes src/api/schema.d.ts from the committed openapi.json, so that a build needs no running server.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import openapiTS, { astToString } from 'openapi-typescript';

const source = new URL('../openapi.json', import.meta.url);
const target = new URL('../src/api/schema.d.ts', import.meta.url);
if (!existsSync(source)) {
  console.error('openapi.json is missing: run `npm run api` beside a running Kith.');
  process.exit(1);
}
const types = astToString(await openapiTS(source));
if (!existsSync(target) || readFileSync(target, 'utf8') !== types) writeFileSync(target, types);
