import { describe, expect, test } from 'vitest';
import { newRule, readRule, writeRule } from './retention';

describe('a rule', () => {
  test('comes back as it was written', () => {
    const rule = {
      ...newRule('people'),
      name: 'Former customers',
      action: 'anonymise' as const,
      filter: 'status == "former"',
      fields: [
        { key: 'last_name', value: 'former customer' },
        { key: 'emails', value: null },
      ],
    };
    expect(readRule(writeRule(rule))).toEqual(rule);
  });
  test('leaves out what another action needs, and what is empty', () => {
    const values = writeRule({ ...newRule('people'), name: ' Old ', filter: '  ', fields: [{ key: 'a', value: 1 }] });
    expect(values).toMatchObject({ name: 'Old', filter: null, fields: null, days: 365 });
  });
  test('empties a field that was given nothing', () => {
    const rule = { ...newRule('people'), action: 'anonymise' as const, fields: [{ key: 'phones', value: '' }] };
    expect(writeRule(rule).fields).toEqual({ phones: null });
  });
  test('is read from a record that somebody else wrote', () => {
    expect(readRule({ name: 'x', action: 'unknown', days: '7', fields: 'nonsense' })).toMatchObject({
      action: 'trash',
      days: 0,
      fields: [],
      since: 'updated_at',
    });
  });
});
