/** The records of an administration object, kept fresh. These lists are short: one page holds them. */

import { list } from '../../api/records';
import type { KithRecord } from '../../api/types';
import { live } from '../../lib/live.svelte';
import { titles } from '../../lib/titles.svelte';

export class SystemList {
  records = $state.raw<KithRecord[]>([]);
  status = $state<'loading' | 'ready' | 'failed'>('loading');
  problem = $state.raw<unknown>(null);
  #object: string;
  #sort: string;

  constructor(object: string, sort = 'name') {
    this.#object = object;
    this.#sort = sort;
  }

  async load(): Promise<void> {
    try {
      const page = await list(this.#object, { sort: this.#sort, limit: 200, total: false });
      titles.include(page.included);
      this.records = page.items;
      this.status = 'ready';
    } catch (error) {
      this.problem = error;
      if (this.status !== 'ready') this.status = 'failed';
    }
  }

  /** For an effect: loads, follows changes, and answers how to stop. */
  follow(): () => void {
    void this.load();
    return live.onChange((event) => {
      if (event.changes.some((c) => c.object === this.#object)) void this.load();
    });
  }
}
