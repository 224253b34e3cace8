import { describe, expect, test } from 'vitest';
import { toggled, typedAlike } from './erasing';

describe('what was typed', () => {
  test('is the name, whatever its case and spaces', () => {
    expect(typedAlike('  zoë  O’HARA ', 'Zoë O’Hara')).toBe(true);
    expect(typedAlike('Zoe\u0308 O’Hara', 'Zoë O’Hara')).toBe(true);
  });
  test('is nothing less than the name', () => {
    expect(typedAlike('', 'Zoë')).toBe(false);
    expect(typedAlike('Zo', 'Zoë')).toBe(false);
    expect(typedAlike('', '')).toBe(false);
    expect(typedAlike(' ', '   ')).toBe(false);
  });
});

test('a key goes in and out again', () => {
  expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
  expect(toggled(['a', 'b'], 'a')).toEqual(['b']);
});
