/** What a look at the vault's keys tells: what is missing, how old the data key is, how far a rotation has come. Pure. */

import type { Keys, Rotation } from '../../api/keys';

/** As `kith doctor` sees it: older than this, a data key is better made anew. */
const OLD_DAYS = 730;
const DAY_MS = 86_400_000;

export const hasRecovery = (keys: Keys): boolean => keys.recipients.some((key) => key.kind === 'recovery');

export const dataKey = (keys: Keys) => keys.data_keys.at(-1) ?? null;

export function isOld(madeAt: string | null, now: number = Date.now()): boolean {
  const made = madeAt === null ? Number.NaN : new Date(madeAt).getTime();
  return now - made > OLD_DAYS * DAY_MS;
}

/** 0 to 1; never beyond, since the whole is an estimate. */
export function share({ done_bytes, all_bytes }: Rotation): number {
  return all_bytes > 0 ? Math.min(1, done_bytes / all_bytes) : 0;
}
