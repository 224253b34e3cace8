/** Links as text: the titles that are known. */

import { titles } from '../../lib/titles.svelte';

export function titleText(value: unknown): string {
  const ids = Array.isArray(value) ? value : value ? [value] : [];
  return ids.map((id) => titles.get(String(id))?.title ?? `…${String(id).slice(-6)}`).join(', ');
}
