import { describe, expect, it } from 'vitest';
import { filledIn, inputDefaults, inputFields, keptTexts, rowFields } from './input';

const schema = {
  type: 'object',
  required: ['pipeline'],
  properties: {
    pipeline: { type: 'string', 'x-link': 'pipelines', title: 'Pipeline' },
    create_deal: { type: 'boolean', default: true },
    reason: { type: 'string', enum: ['price', 'timing'] },
    close_date: { type: 'string', format: 'date' },
    amount: { type: 'object', properties: { amount: { type: 'string' }, currency: { type: 'string' } } },
  },
};

describe('action inputs', () => {
  it('become fields with the right editors', () => {
    expect(inputFields(schema).map((f) => [f.key, f.kind, f.required])).toEqual([
      ['pipeline', 'link', true],
      ['create_deal', 'boolean', false],
      ['reason', 'select', false],
      ['close_date', 'date', false],
      ['amount', 'money', false],
    ]);
    expect(inputFields(schema)[1]?.label).toBe('Create deal');
  });
  it('start with defaults and with what the record already links', () => {
    expect(inputDefaults(schema, { pipeline: 'p1', reason: 'x' })).toEqual({ pipeline: 'p1', create_deal: true });
    expect(inputDefaults(null, {})).toEqual({});
  });
  it('are sent without what was left empty', () => {
    expect(filledIn({ a: '', b: null, c: 0, d: false, e: 'x' })).toEqual({ c: 0, d: false, e: 'x' });
  });
  it('keep a text empty that was emptied, and nothing else', () => {
    const property = (type: string, more = {}) => ({ type, default: 'x', ...more });
    const properties = { a: property('string'), b: property('string', { enum: ['x'] }), c: property('integer') };
    expect(keptTexts({ properties: { ...properties, d: { type: 'string' } } }, { a: null, b: null, c: null })).toEqual({
      a: '',
      b: null,
      c: null,
    });
    expect(keptTexts({ properties }, { a: 'y' })).toEqual({ a: 'y' });
  });
  it('hold lists: of words, of choices, and of rows where each is a few plain values', () => {
    const list = (items: object) => ({ type: 'array', items });
    const row = {
      type: 'object',
      required: ['field'],
      properties: { field: { type: 'string' }, points: { type: 'integer' } },
    };
    const kinds = inputFields({
      properties: { tags: list({ type: 'string' }), on: list({ type: 'string', enum: ['a', 'b'] }), rows: list(row) },
    });
    expect(kinds.map((f) => f.kind)).toEqual(['tags', 'multi_select', 'json']);
    expect(kinds[1]?.options?.map((o) => o.key)).toEqual(['a', 'b']);
    expect(rowFields(list(row))?.map((f) => [f.key, f.kind, f.required])).toEqual([
      ['field', 'text', true],
      ['points', 'integer', false],
    ]);
    expect(rowFields(list({ type: 'object', properties: { deep: list(row) } }))).toBeNull();
    expect(rowFields(list({ type: 'object' }))).toBeNull();
    expect(rowFields(undefined)).toBeNull();
  });
});
