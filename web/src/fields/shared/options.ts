/** Options as text. */

import type { Field } from '../../api/types';

export function optionText(value: unknown, field: Field): string {
  const keys = Array.isArray(value) ? value : value ? [value] : [];
  return keys.map((key) => field.options?.find((o) => o.key === key)?.label ?? String(key)).join(', ');
}
