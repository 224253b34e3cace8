import { describe, expect, it as test } from 'vitest';
import { da } from './da';
import { en } from './en';
import { it } from './it';

const params = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1]).sort();

describe.each([
  ['it', it],
  ['da', da],
] as const)('%s', (_, messages) => {
  test('has the same keys as English', () => {
    expect(Object.keys(messages).sort()).toEqual(Object.keys(en).sort());
  });

  test('fills the same places', () => {
    for (const [key, text] of Object.entries(en)) {
      expect([key, params(messages[key as keyof typeof en])]).toEqual([key, params(text)]);
    }
  });

  test('leaves nothing empty', () => {
    expect(Object.entries(messages).filter(([, text]) => text.trim() === '')).toEqual([]);
  });
});

test('every counted message has both forms', () => {
  for (const key of Object.keys(en)) {
    if (key.endsWith('.one') && !key.startsWith('object.'))
      expect(Object.keys(en)).toContain(key.replace(/\.one$/, '.other'));
  }
});
