import { expect, it } from 'vitest';
import type { Field } from '../../api/types';
import { importTargets } from './targets';

const field = (key: string, kind: string, hidden = false) => ({ key, kind, hidden }) as unknown as Field;
const column = (field: string | null) => ({ header: '', samples: [], field });

it('offers parts of addresses and amounts, and whatever was guessed', () => {
  const fields = [
    field('name', 'text'),
    field('amount', 'money'),
    field('external_id', 'text', true),
    field('secret', 'text', true),
  ];
  expect(importTargets(fields, [column('external_id'), column('emails.label'), column(null)])).toEqual([
    'name',
    'amount',
    'amount.currency',
    'external_id',
    'emails.label',
  ]);
});
