/** The rows of one list as far as they were fetched: first page, next pages by cursor, and the same rows again after a change. */

import { isAbort } from '../api/client';
import { list, type ListQuery } from '../api/records';
import type { KithRecord } from '../api/types';
import { titles } from '../lib/titles.svelte';

/** Rows of one request: two screens and a bit. */
const PAGE = 100;
/** Refreshing asks for the rows again in pages of this many. */
const REFRESH_PAGE = 200;
/** Beyond this many rows a change elsewhere refreshes the first ones only: what is on screen far down stays as it is. */
const REFRESH_MAX = 1000;

export class Rows {
  items = $state.raw<KithRecord[]>([]);
  total = $state<number | null>(null);
  status = $state<'loading' | 'ready' | 'failed'>('loading');
  loadingMore = $state(false);
  problem = $state.raw<unknown>(null);
  #cursor: string | null = null;
  #query: ListQuery = {};
  #object: string;
  #running: AbortController | null = null;
  #stale = false;

  constructor(object: string) {
    this.#object = object;
  }

  get complete(): boolean {
    return this.status === 'ready' && this.#cursor === null;
  }

  async load(query: ListQuery): Promise<void> {
    this.#query = query;
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    // Rows of the last query stay in view while the next is on its way: no flicker while typing.
    if (this.items.length === 0) this.status = 'loading';
    this.loadingMore = false;
    try {
      const page = await list(this.#object, { ...query, limit: PAGE }, running.signal);
      if (this.#running !== running) return;
      titles.include(page.included);
      this.items = page.items;
      this.total = page.total ?? null;
      this.#cursor = page.next_cursor;
      this.status = 'ready';
      this.problem = null;
    } catch (error) {
      if (isAbort(error) || this.#running !== running) return;
      this.problem = error;
      this.status = 'failed';
    }
  }

  async more(): Promise<void> {
    if (this.loadingMore || this.#cursor === null || this.status !== 'ready') return;
    this.loadingMore = true;
    const running = this.#running;
    try {
      const page = await list(
        this.#object,
        { ...this.#query, limit: PAGE, cursor: this.#cursor, total: false },
        running?.signal,
      );
      if (this.#running !== running) return;
      titles.include(page.included);
      const known = new Set(this.items.map((r) => r.id));
      this.items = [...this.items, ...page.items.filter((r) => !known.has(r.id))];
      this.#cursor = page.next_cursor;
      this.loadingMore = false;
    } catch (error) {
      if (isAbort(error) || this.#running !== running) return;
      this.loadingMore = false;
      // A cursor can grow too old; starting over is then the way on.
      await this.refresh();
    }
  }

  /** The same rows again, in place: nothing scrolls away, nothing blinks. */
  async refresh(): Promise<void> {
    if (this.status === 'loading') {
      this.#stale = true;
      return;
    }
    const running = this.#running;
    const wanted = Math.min(Math.max(this.items.length, PAGE), REFRESH_MAX);
    try {
      const fresh: KithRecord[] = [];
      let cursor: string | null = null;
      let total: number | null = null;
      do {
        const page = await list(this.#object, {
          ...this.#query,
          limit: Math.min(REFRESH_PAGE, wanted - fresh.length),
          cursor,
          total: cursor === null,
        });
        if (this.#running !== running) return;
        titles.include(page.included);
        if (cursor === null) total = page.total ?? null;
        fresh.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor !== null && fresh.length < wanted);
      this.total = total;
      if (this.items.length > REFRESH_MAX && cursor !== null) {
        const ids = new Set(fresh.map((r) => r.id));
        this.items = [...fresh, ...this.items.slice(fresh.length).filter((r) => !ids.has(r.id))];
      } else {
        this.items = fresh;
        this.#cursor = cursor;
      }
      this.status = 'ready';
      this.problem = null;
    } catch (error) {
      if (!isAbort(error) && this.status === 'failed') this.problem = error;
    }
    if (this.#stale) {
      this.#stale = false;
      await this.refresh();
    }
  }

  /** Puts a record that was just saved in place of its older form. */
  put(record: KithRecord) {
    this.items = this.items.map((r) => (r.id === record.id ? record : r));
  }

  drop(ids: Iterable<string>) {
    const gone = new Set(ids);
    const kept = this.items.filter((r) => !gone.has(r.id));
    if (this.total !== null) this.total -= this.items.length - kept.length;
    this.items = kept;
  }
}
