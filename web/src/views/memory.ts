/** Lists as they were left, so that coming back shows them at once and at the same place. Kept while the page is open. */

import type { KithRecord } from '../api/types';

export interface LeftList {
  items: KithRecord[];
  total: number | null;
  scrollTop: number;
}

/** More lists than a person goes back to. */
const LISTS_MAX = 12;
const left = new Map<string, LeftList>();

export function remember(address: string, list: LeftList): void {
  left.delete(address);
  if (list.items.length) left.set(address, list);
  for (const oldest of left.keys()) {
    if (left.size <= LISTS_MAX) break;
    left.delete(oldest);
  }
}

export const recall = (address: string): LeftList | undefined => left.get(address);

export const forget = (): void => left.clear();
