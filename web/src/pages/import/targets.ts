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
