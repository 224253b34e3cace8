import { describe, expect, test } from 'vitest';
import type { Keys } from '../../api/keys';
import { dataKey, hasRecovery, isOld, share } from './keys';

const key = (kind: Keys['recipients'][number]['kind']) => ({
  label: kind,
  kind,
  recipient: 'age1x',
  added_at: null,
  in_use: false,
});
const keys = (over: Partial<Keys>): Keys => ({ recipients: [], data_keys: [], rotation: null, ...over });

describe('keys of the vault', () => {
  test('only a recovery key counts as one', () => {
    expect(hasRecovery(keys({ recipients: [key('key'), key('passphrase')] }))).toBe(false);
    expect(hasRecovery(keys({ recipients: [key('key'), key('recovery')] }))).toBe(true);
  });

  test('the newest data key is the last', () => {
    const made = (id: number) => ({ id, made_at: null });
    expect(dataKey(keys({ data_keys: [made(1), made(2)] }))?.id).toBe(2);
    expect(dataKey(keys({}))).toBeNull();
  });

  test('a data key is old after two years, and one of unknown age is not called old', () => {
    const now = Date.parse('2026-11-23T00:00:00Z');
    expect(isOld('2024-11-20T00:00:00Z', now)).toBe(true);
    expect(isOld('2025-11-20T00:00:00Z', now)).toBe(false);
    expect(isOld(null, now)).toBe(false);
    expect(isOld('no time', now)).toBe(false);
  });

  test('progress stays between nothing and everything', () => {
    const rotation = (done_bytes: number, all_bytes: number) => ({ done_bytes, all_bytes, failed: null });
    expect(share(rotation(0, 0))).toBe(0);
    expect(share(rotation(5, 20))).toBe(0.25);
    expect(share(rotation(30, 20))).toBe(1);
  });
});
