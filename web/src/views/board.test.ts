import { expect, it } from 'vitest';
import { usualParent } from './board';

const parents = [
  { id: 'a', title: 'Sales', count: 0 },
  { id: 'b', title: 'Imported', count: 800 },
  { id: 'c', title: 'Renewals', count: 800 },
];

it('opens where the records are, unless another part was chosen', () => {
  expect(usualParent(parents, null)).toBe('b');
  expect(usualParent(parents, 'a')).toBe('a');
});

it('does not open a part that is gone', () => {
  expect(usualParent(parents, 'gone')).toBe('b');
  expect(usualParent([], 'a')).toBe(null);
  expect(usualParent([{ id: 'a', title: 'Sales', count: 0 }], null)).toBe('a');
});
