/** What a list shows, as the address says it. The address is the only store: back, forward and bookmarks work. */

import { parseSort } from '../api/records';
import type { KithRecord, ObjectDef } from '../api/types';
import { defaultColumns } from '../lib/metadata';

export const LAYOUTS = ['table', 'board', 'calendar'] as const;
export type Layout = (typeof LAYOUTS)[number];

export const layoutOf = (value: unknown): Layout | null => LAYOUTS.find((l) => l === value) ?? null;

export interface ListState {
  view: string | null;
  q: string;
  filter: string;
  sort: { key: string; descending: boolean }[];
  columns: string[];
  layout: Layout;
  by: string | null;
}

/** `usual`: the layout that stands where the address names none. */
export function readState(query: URLSearchParams, object: ObjectDef, usual: Layout = 'table'): ListState {
  const columns = (query.get('columns') ?? '').split(',').filter(Boolean);
  return {
    view: query.get('view'),
    q: query.get('q') ?? '',
    filter: query.get('filter') ?? '',
    sort: parseSort(query.get('sort') ?? ''),
    columns: columns.length ? columns : defaultColumns(object),
    layout: layoutOf(query.get('layout')) ?? usual,
    by: query.get('by'),
  };
}

export interface SavedView {
  id: string;
  name: string;
  layout: Layout;
  filter: string;
  columns: string[];
  sort: string;
  by: string;
  shared: boolean;
  owner: string | null;
  version: number;
}

const text = (value: unknown) => (typeof value === 'string' ? value : '');

/** Columns are a list of keys, or of objects with a key: plugins and older clients may say either. */
export function readView(record: KithRecord): SavedView {
  const { values } = record;
  const columns = Array.isArray(values.columns)
    ? values.columns
        .map((c) => (typeof c === 'string' ? c : text((c as { key?: unknown } | null)?.key)))
        .filter(Boolean)
    : [];
  return {
    id: record.id,
    name: text(values.name),
    layout: layoutOf(values.layout) ?? 'table',
    filter: text(values.filter),
    columns,
    sort: text(values.sort),
    by: text(values.group_by),
    shared: values.shared === true,
    owner: typeof values.owner === 'string' ? values.owner : null,
    version: record.version,
  };
}

/** The address of a view: all of it, so that what is changed on top can be told from what was saved. */
export function viewQuery(view: SavedView): Record<string, string | null> {
  return {
    view: view.id,
    filter: view.filter || null,
    sort: view.sort || null,
    columns: view.columns.join(',') || null,
    layout: view.layout,
    by: view.by || null,
    q: null,
  };
}

export function differs(view: SavedView, query: URLSearchParams): boolean {
  const now = (key: string) => query.get(key) ?? (key === 'layout' ? 'table' : '');
  return Object.entries(viewQuery(view)).some(
    ([key, value]) => key !== 'q' && key !== 'view' && now(key) !== (value ?? ''),
  );
}
