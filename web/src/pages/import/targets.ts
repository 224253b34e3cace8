/** What a column of a file can become: a field, or a part of one. */

import type { Field, ImportColumn } from '../../api/types';

const PARTS: Record<string, string[]> = {
  address: ['street', 'city', 'region', 'postal_code', 'country'],
  money: ['currency'],
};

/** Keys such as `amount` and `address.city`, in the order of the fields; what the server guessed is always among them. */
export function importTargets(fields: Field[], columns: ImportColumn[]): string[] {
  const guessed = new Set(columns.map((c) => c.field).filter((key): key is string => !!key));
  const targets: string[] = [];
  for (const field of fields) {
    if (!field.hidden || guessed.has(field.key)) targets.push(field.key);
    for (const part of PARTS[field.kind] ?? []) targets.push(`${field.key}.${part}`);
  }
  return [...targets, ...[...guessed].filter((key) => !targets.includes(key))];
}

const DECIMAL = /^-?\d{1,3}(?:[.,' ]?\d{3})*(?:[.,]\d+)?$/;
const KINDS: [string, RegExp][] = [
  ['email', /^[^\s@]+@[^\s@]+\.[^\s@]+$/],
  ['url', /^https?:\/\/\S+$/i],
  ['boolean', /^(?:true|false|yes|no)$/i],
  ['datetime', /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/],
  ['date', /^(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{4})$/],
  // Leading zeroes are meant: such numbers are names of things.
  ['integer', /^-?(?:0|[1-9]\d{0,14})$/],
  ['decimal', DECIMAL],
];

/** The kind of a new field that would hold these samples; text where they do not agree. */
export function kindOfSamples(samples: string[]): string {
  const given = samples.map((s) => s.trim()).filter(Boolean);
  if (given.length === 0) return 'text';
  const numbered = given.some((s) => /^0\d/.test(s));
  const found = KINDS.find(([, form]) => given.every((s) => form.test(s)))?.[0];
  if (found) return numbered && (found === 'integer' || found === 'decimal') ? 'text' : found;
  return given.some((s) => s.length > 200 || s.includes('\n')) ? 'long_text' : 'text';
}
