import { describe, expect, test } from 'vitest';
import { asked, hasFilters, readAnchors, readFilters } from './audit-query';

const of = (query: string) => readFilters(new URLSearchParams(query));

describe('filters of the audit', () => {
  test('come from the address; what is empty or unknown is none', () => {
    const filters = of('text=%20Zo%C3%AB%20&kind=&other=1');
    expect(filters.text).toBe('Zoë');
    expect(filters.kind).toBeNull();
    expect('other' in filters).toBe(false);
    expect(hasFilters(filters)).toBe(true);
    expect(hasFilters(of('kind=%20'))).toBe(false);
  });

  test('both days chosen are inside, as days of this browser', () => {
    const query = asked(of('since=2026-02-28&until=2026-02-28'));
    expect(query.since).toBe(new Date(2026, 1, 28).toISOString());
    expect(query.until).toBe(new Date(2026, 2, 1).toISOString());
  });

  test('what is no day is left for the server to refuse', () => {
    expect(asked(of('since=yesterday')).since).toBe('yesterday');
    expect(asked(of('')).until).toBeNull();
  });

  test('anchors are the last word of each line of the notes', () => {
    expect(readAnchors(' 1:ab\n\n# kept in the safe\n2026-05-01 2:cd \r\n')).toEqual(['1:ab', '2:cd']);
    expect(readAnchors(' \n')).toEqual([]);
  });
});
