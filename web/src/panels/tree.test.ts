import { expect, test } from 'vitest';
import { linkOf, maps, number, oneOf, pieces, points, scaled, text } from './tree';

test('links lead to records or over https, and nowhere else', () => {
  expect(linkOf({ href: 'https://example.com/x' })).toEqual({ href: 'https://example.com/x' });
  expect(linkOf({ record: { object: 'people', id: 'a' } })).toEqual({ record: { object: 'people', id: 'a' } });
  for (const href of ['javascript:alert(1)', 'data:text/html,x', 'http://example.com', '/settings', '', 7, null]) {
    expect(linkOf({ href })).toBeNull();
  }
  expect(linkOf({ record: { object: 'people' }, href: 'https://example.com' })).toBeNull();
});

test('what has another shape shows as nothing', () => {
  expect(text({ toString: 'x' })).toBe('');
  expect(text(0)).toBe('0');
  expect(number('7')).toBe(0);
  expect(number(Infinity, 1)).toBe(1);
  expect(oneOf('evil', ['muted', 'good'])).toBe('muted');
  expect(maps([{ a: 1 }, null, 'x', [1]])).toEqual([{ a: 1 }]);
  expect(points('no')).toEqual([]);
});

test('charts of nothing, of zeroes and of negative numbers stand still', () => {
  expect(scaled([])).toEqual([]);
  expect(scaled(points([{ label: 'a', value: 0 }]))).toEqual([0]);
  expect(scaled(points([{ value: -5 }, { value: 2 }, { value: 4 }]))).toEqual([0, 0.5, 1]);
  expect(pieces(points([{ value: 1 }, { value: -1 }, { value: 3 }]))).toEqual([
    { from: 0, size: 25 },
    { from: 25, size: 0 },
    { from: 25, size: 75 },
  ]);
  expect(pieces(points([{ value: 0 }]))).toEqual([{ from: 0, size: 0 }]);
});
