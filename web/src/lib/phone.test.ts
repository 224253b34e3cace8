import { describe, expect, test } from 'vitest';
import { phone } from './phone';

describe('a telephone number', () => {
  test.each([
    ['+4520123456', '+45 20 12 34 56'],
    ['+393331234567', '+39 333 123 4567'],
    ['+12025550143', '+1 202 555 0143'],
    ['+442079460958', '+44 2079 460 958'],
    ['+33142685300', '+33 1 42 68 53 00'],
    ['+390612345678', '+39 061 234 5678'],
    ['+3581234567', '+358 123 4567'],
    ['+4930901820', '+49 309 018 20'],
    ['+79161234567', '+7 916 123 4567'],
    ['+4520123456 x118', '+45 20 12 34 56 x118'],
  ])('%s is written %s', (stored, shown) => {
    expect(phone(stored)).toBe(shown);
    expect(shown.replace(/ (?!x)/g, '')).toBe(stored);
  });
  test.each(['', '112', '0612345', '+12', 'call me', '+45 20 12 34 56'])('%s stays as it is', (text) => {
    expect(phone(text)).toBe(text);
  });
});
