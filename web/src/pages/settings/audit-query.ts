/** The filters of the audit: kept in the address of the page, asked of the server in its words. Pure. */

import type { AuditQuery } from '../../api/audit';

export const FILTERS = ['text', 'kind', 'severity', 'actor', 'object', 'record', 'since', 'until', 'address'] as const;

export type Filters = Record<(typeof FILTERS)[number], string | null>;

export function readFilters(query: URLSearchParams): Filters {
  return Object.fromEntries(FILTERS.map((name) => [name, query.get(name)?.trim() || null])) as Filters;
}

export const hasFilters = (filters: Filters): boolean => FILTERS.some((name) => filters[name] !== null);

/** When a day of this browser begins, `later` days on. What is no day goes to the server as it is: it says what is wrong with it. */
function begins(day: string | null, later = 0): string | null {
  const [, y, m, d] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '') ?? [];
  return d ? new Date(Number(y), Number(m) - 1, Number(d) + later).toISOString() : day;
}

/** The days chosen belong to what is asked for, the last one too. */
export const asked = (filters: Filters): AuditQuery => ({
  ...filters,
  since: begins(filters.since),
  until: begins(filters.until, 1),
});

/** Anchors out of notes, as `kith verify` reads them: the last word of each line that does not begin with `#`. */
export const readAnchors = (text: string): string[] =>
  text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line && !line.startsWith('#'))
    .map((line) => line.split(/\s+/).at(-1) ?? '');
