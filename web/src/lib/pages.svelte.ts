/** A list that is read page by page: what was read, whether more is there, what went wrong. Knows nothing of what is in it. */

import { isAbort } from '../api/client';
import type { Paged } from '../api/types';
import { titles } from './titles.svelte';

export class Pages<T> {
  items = $state.raw<T[]>([]);
  cursor = $state<string | null>(null);
  status = $state<'loading' | 'ready' | 'failed'>('loading');
  problem = $state.raw<unknown>(null);
  busy = $state(false);
  #read: (cursor: string | null) => Promise<Paged<T>>;
  #run = 0;

  constructor(read: (cursor: string | null) => Promise<Paged<T>>) {
    this.#read = read;
  }

  /** From the start; what is shown stays until the answer is there. */
  async load(more = false): Promise<void> {
    const mine = ++this.#run;
    this.busy = true;
    try {
      const page = await this.#read(more ? this.cursor : null);
      if (mine !== this.#run) return;
      titles.include(page.included);
      this.items = more ? [...this.items, ...page.items] : page.items;
      this.cursor = page.next_cursor;
      this.status = 'ready';
      this.problem = null;
    } catch (error) {
      if (mine !== this.#run || isAbort(error)) return;
      this.problem = error;
      // A break of the network takes away nothing that is on screen.
      if (this.status !== 'ready' || !more) this.status = this.items.length && !more ? 'ready' : 'failed';
    } finally {
      if (mine === this.#run) this.busy = false;
    }
  }
}
