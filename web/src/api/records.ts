/** Records of any object: list, read, write, history, groups, actions. */

import { get, patch, post, remove, url } from './client';
import type {
  ActionResult,
  BatchOperation,
  Group,
  HistoryItem,
  KithRecord,
  Paged,
  RecordAnswer,
  RecordPage,
  SearchHit,
  TimelineItem,
  Values,
} from './types';

export interface ListQuery {
  filter?: string;
  q?: string;
  sort?: string;
  fields?: string;
  limit?: number;
  cursor?: string | null;
  expand?: string;
  trashed?: boolean;
  total?: boolean;
}

const at = (object: string, id?: string, rest = '') =>
  `/records/${encodeURIComponent(object)}${id ? `/${encodeURIComponent(id)}` : ''}${rest}`;

/** At most this many operations fit in one batch. */
export const BATCH_MAX = 1000;

export const list = (object: string, query: ListQuery, signal?: AbortSignal) =>
  get<RecordPage>(at(object), { ...query }, signal);

export const read = (object: string, id: string, signal?: AbortSignal) =>
  get<RecordAnswer>(at(object, id), undefined, signal);

/** The record as it was right after journal entry `seq`. */
export const readAt = (object: string, id: string, seq: number) =>
  get<RecordAnswer>(at(object, id), { at: String(seq) });

/** Brings values of that moment back as an ordinary change; without `fields`, all of them. */
export const revert = (object: string, id: string, seq: number, fields?: string[]) =>
  post<KithRecord>(at(object, id, '/revert'), fields ? { seq, fields } : { seq }, {
    'idempotency-key': crypto.randomUUID(),
  });

export const create = (object: string, values: Values) =>
  post<KithRecord>(at(object), { values }, { 'idempotency-key': crypto.randomUUID() });

/** With `version`, a change made meanwhile is refused (`record.version_conflict`); without, fields are merged. */
export const update = (object: string, id: string, values: Values, version?: number) =>
  patch<KithRecord>(at(object, id), { values }, version ? { 'if-match': `"${version}"` } : undefined);

export const trash = (object: string, id: string) => remove(at(object, id));

export const restore = (object: string, id: string) => post<KithRecord>(at(object, id, '/restore'));

export const history = (object: string, id: string, cursor?: string | null) =>
  get<Paged<HistoryItem>>(at(object, id, '/history'), { limit: 50, cursor });

export const timeline = (object: string, id: string, cursor?: string | null) =>
  get<Paged<TimelineItem>>(at(object, id, '/timeline'), { limit: 50, cursor });

export async function batch(object: string, operations: BatchOperation[]): Promise<void> {
  for (let from = 0; from < operations.length; from += BATCH_MAX) {
    await post(at(object, undefined, '/batch'), { operations: operations.slice(from, from + BATCH_MAX) });
  }
}

export const groups = (object: string, query: { by: string; filter?: string; q?: string; sum?: string }) =>
  get<{ items: Group[] }>(at(object, undefined, '/groups'), query);

export const act = (object: string, id: string, action: string, input: Values) =>
  post<ActionResult>(at(object, id, `/actions/${encodeURIComponent(action)}`), input, {
    'idempotency-key': crypto.randomUUID(),
  });

/** The same action on several records; each call is done as a whole or not at all. Answers how many are done. */
export async function actOnMany(object: string, ids: string[], action: string, input: Values): Promise<number> {
  let done = 0;
  for (let from = 0; from < ids.length; from += BATCH_MAX) {
    const some = ids.slice(from, from + BATCH_MAX);
    await post<ActionResult>(
      at(object, undefined, `/actions/${encodeURIComponent(action)}`),
      { ids: some, input },
      { 'idempotency-key': crypto.randomUUID() },
    );
    done += some.length;
  }
  return done;
}

export const search = (q: string, query: { objects?: string; limit?: number } = {}, signal?: AbortSignal) =>
  get<{ items: SearchHit[] }>('/search', { q, ...query }, signal);

export const exportUrl = (object: string, query: { format: string; filter?: string; q?: string; fields?: string }) =>
  url(`/exports/${encodeURIComponent(object)}`, query);

/** What a sorted list asks for: `last_name,-created_at`. */
export function sortText(sort: { key: string; descending: boolean }[]): string {
  return sort.map((s) => (s.descending ? '-' : '') + s.key).join(',');
}

export function parseSort(text: string): { key: string; descending: boolean }[] {
  return text
    .split(',')
    .filter(Boolean)
    .map((part) => ({ key: part.replace(/^[-+]/, ''), descending: part.startsWith('-') }));
}
