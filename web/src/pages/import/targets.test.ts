import { expect, it } from 'vitest';
import type { Field } from '../../api/types';
import { importTargets, kindOfSamples } from './targets';

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

it('sees what kind of field a column would need', () => {
  expect(kindOfSamples(['2025-03-04 09:12', ''])).toBe('datetime');
  expect(kindOfSamples(['31.12.2025', '01/02/2026'])).toBe('date');
  expect(kindOfSamples(['12', '-3'])).toBe('integer');
  expect(kindOfSamples(['1.250,50', '3'])).toBe('decimal');
  expect(kindOfSamples(['yes', 'No'])).toBe('boolean');
  expect(kindOfSamples(['a@b.example'])).toBe('email');
});

it('keeps as text what only looks like a number, and what does not agree', () => {
  expect(kindOfSamples(['00123', '00456'])).toBe('text');
  expect(kindOfSamples(['12', 'twelve'])).toBe('text');
  expect(kindOfSamples([])).toBe('text');
  expect(kindOfSamples(['a\nb'])).toBe('long_text');
});
