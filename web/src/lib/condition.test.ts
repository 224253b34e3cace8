import { describe, expect, it } from 'vitest';
import type { KithRecord } from '../api/types';
import { mayHold } from './condition';

const record = { id: '1', object: 'deals', values: { status: 'won', done: null } } as unknown as KithRecord;
const field = (key: string) => ({ key, form: 'text' as const, list: false });

describe('conditions of actions', () => {
  it('are told from the values at hand', () => {
    expect(mayHold('status != "won"', record, field)).toBe(false);
    expect(mayHold('status == "won" || status == "lost"', record, field)).toBe(true);
    expect(mayHold('done != true', record, field)).toBe(true);
    expect(mayHold('done == null && status == "lost"', record, field)).toBe(false);
  });
  it('leave to the server what only it can tell', () => {
    expect(mayHold('size(people) > 2', record, field)).toBe(true);
    expect(mayHold('status.startsWith("x")', record, field)).toBe(true);
    expect(mayHold(null, record, field)).toBe(true);
  });
});
