/** Whether a simple condition holds for a record that is at hand: which actions to offer. The server decides again. */

import type { KithRecord } from '../api/types';
import { type Condition, type FilterField, fromCel } from './filter';
import { isEmpty, plain, valueOf } from './metadata';

function holds(condition: Condition, record: KithRecord): boolean | null {
  const value = valueOf(record, condition.field);
  const text = plain(value);
  const wanted = Array.isArray(condition.operand) ? condition.operand.map(String) : [String(condition.operand)];
  switch (condition.operator) {
    case 'is_empty':
      return isEmpty(value);
    case 'is_not_empty':
      return !isEmpty(value);
    case 'is':
    case 'any_of':
      return wanted.includes(text) || (value === null && wanted[0] === 'false');
    case 'is_not':
    case 'none_of':
      return !wanted.includes(text);
    default:
      return null;
  }
}

/** True also when it cannot be told here: a button too many is better than one too few. */
export function mayHold(
  cel: string | null | undefined,
  record: KithRecord,
  field: (key: string) => FilterField | undefined,
): boolean {
  if (!cel) return true;
  const filter = fromCel(cel, field);
  if (!filter) return true;
  const results = filter.conditions.map((c) => holds(c, record));
  if (results.includes(null)) return true;
  return filter.match === 'all' ? results.every(Boolean) : results.some(Boolean);
}
