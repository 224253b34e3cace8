import { describe, expect, it } from 'vitest';
import { inputDefaults, inputFields } from './input';

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
});
