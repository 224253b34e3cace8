import { describe, expect, it } from 'vitest';
import { both, conditionToCel, fromCel, toCel, type Condition, type FilterField } from './filter';

const fields: Record<string, FilterField> = {
  last_name: { key: 'last_name', form: 'text', list: false },
  amount: { key: 'amount', form: 'number', list: false },
  stage: { key: 'stage', form: 'choice', list: false },
  tags: { key: 'tags', form: 'choice', list: true },
  emails: { key: 'emails', form: 'text', list: true },
  owner: { key: 'owner', form: 'user', list: false },
  done: { key: 'done', form: 'boolean', list: false },
  due: { key: 'due', form: 'date', list: false },
  seen: { key: 'seen', form: 'datetime', list: false },
  'acme:score': { key: 'acme:score', form: 'number', list: false },
};
const field = (key: string) => fields[key];

const cases: [Condition, string][] = [
  [{ field: 'last_name', operator: 'is', operand: 'O"Hara \\ \n' }, 'last_name == "O\\"Hara \\\\ \\n"'],
  [{ field: 'last_name', operator: 'starts_with', operand: 'ro' }, 'last_name.lower().startsWith("ro")'],
  [{ field: 'last_name', operator: 'is_empty', operand: null }, 'last_name == null'],
  [{ field: 'emails', operator: 'contains', operand: '@acme' }, 'emails.exists(e, e.lower().contains("@acme"))'],
  [{ field: 'amount', operator: 'greater', operand: '1000.50' }, 'amount > 1000.50'],
  [{ field: 'amount', operator: 'between', operand: ['1', '9'] }, '(amount >= 1 && amount <= 9)'],
  [{ field: 'stage', operator: 'any_of', operand: ['won', 'a, "b"'] }, 'stage in ["won", "a, \\"b\\""]'],
  [{ field: 'stage', operator: 'none_of', operand: ['won'] }, '!(stage in ["won"])'],
  [{ field: 'tags', operator: 'any_of', operand: ['a', 'b'] }, '("a" in tags || "b" in tags)'],
  [{ field: 'tags', operator: 'all_of', operand: ['a', 'b'] }, '("a" in tags && "b" in tags)'],
  [{ field: 'tags', operator: 'none_of', operand: ['a', 'b'] }, '!("a" in tags || "b" in tags)'],
  [{ field: 'owner', operator: 'is', operand: 'me' }, 'owner == me'],
  [{ field: 'done', operator: 'is', operand: true }, 'done == true'],
  [{ field: 'due', operator: 'before', operand: 'today' }, 'due < today()'],
  [{ field: 'due', operator: 'after', operand: '2026-01-01' }, 'due > date("2026-01-01")'],
  [{ field: 'seen', operator: 'before', operand: '2026-01-01T00:00:00Z' }, 'seen < timestamp("2026-01-01T00:00:00Z")'],
  [{ field: 'acme:score', operator: 'less', operand: '-3' }, 'acme:score < -3'],
];

describe('filter', () => {
  it.each(cases)('writes %j', (condition, cel) => {
    expect(conditionToCel(field(condition.field)!, condition)).toBe(cel);
  });

  it.each(cases)('reads back what it wrote: %j', (condition, cel) => {
    expect(fromCel(cel, field)).toEqual({ match: 'all', conditions: [condition] });
  });

  it('joins conditions by all and by any, and reads both back', () => {
    const conditions = cases.map(([c]) => c);
    for (const match of ['all', 'any'] as const) {
      const cel = toCel({ match, conditions }, field);
      expect(fromCel(cel, field)).toEqual({ match, conditions });
    }
  });

  it('finds parts of words whatever their capitals', () => {
    const condition: Condition = { field: 'last_name', operator: 'contains', operand: 'RØD' };
    expect(conditionToCel(fields.last_name!, condition)).toBe('last_name.lower().contains("rød")');
    expect(fromCel('last_name.contains("RØD")', field)?.conditions).toEqual([condition]);
  });

  it('leaves out conditions that are not finished or name no field', () => {
    const cel = toCel(
      {
        match: 'all',
        conditions: [
          { field: 'last_name', operator: 'is', operand: '' },
          { field: 'gone', operator: 'is', operand: 'x' },
          { field: 'amount', operator: 'between', operand: ['1'] },
          { field: 'done', operator: 'is', operand: false },
        ],
      },
      field,
    );
    expect(cel).toBe('done == false');
  });

  it('leaves hand-written CEL to the text box', () => {
    for (const text of [
      'last_name.lower() == "x"',
      'amount * 2 > 3',
      'last_name == "',
      '((',
      'nothing == 1',
      '&&',
      '"a" in ',
    ]) {
      expect(fromCel(text, field)).toBeNull();
    }
  });

  it('is not confused by operators inside text', () => {
    const condition: Condition = { field: 'last_name', operator: 'is', operand: 'a && b || (c' };
    expect(fromCel(toCel({ match: 'all', conditions: [condition] }, field), field)?.conditions).toEqual([condition]);
  });

  it('keeps precedence when two filters must both hold', () => {
    expect(both('a || b', '', null, 'c')).toBe('(a || b) && (c)');
    expect(both('', 'c')).toBe('c');
  });
});
