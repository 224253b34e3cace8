import { describe, expect, it } from 'vitest';
import type { KithRecord } from '../api/types';
import { differs, readView, viewQuery } from './list-query';

const record = (values: Record<string, unknown>): KithRecord => ({
  id: 'v1',
  object: 'views',
  version: 2,
  created_at: '',
  updated_at: '',
  created_by: '',
  updated_by: '',
  values,
});

describe('saved views', () => {
  it('reads columns as keys or as objects, and survives nonsense', () => {
    expect(readView(record({ columns: ['a', { key: 'b' }, null, 7] })).columns).toEqual(['a', 'b']);
    expect(readView(record({ columns: 'a,b', filter: 5 }))).toMatchObject({ columns: [], filter: '' });
  });

  it('knows when the list was changed on top of the view', () => {
    const view = readView(
      record({ filter: 'x == 1', sort: '-name', columns: ['a'], layout: 'board', group_by: 'stage' }),
    );
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(viewQuery(view))) if (value) query.set(key, value);
    expect(differs(view, query)).toBe(false);
    query.set('q', 'words');
    expect(differs(view, query)).toBe(false);
    query.set('sort', 'name');
    expect(differs(view, query)).toBe(true);
  });
});
