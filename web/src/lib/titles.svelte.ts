/** Titles of linked records, as answers bring them along; what is missing is asked for once, many at a time. */

import { SvelteMap } from 'svelte/reactivity';
import { list } from '../api/records';
import type { Included, RecordPage } from '../api/types';

/** Ids asked for in one request: stays far below the length of an address. */
const IDS_MAX = 80;

class Titles {
  #known = new SvelteMap<string, Included>();
  #asked = new Set<string>();
  #waiting = new Map<string, Set<string>>();
  #timer: ReturnType<typeof setTimeout> | null = null;
  /** How a fetched record becomes a title; set by the session, which knows the schema. */
  name: (page: RecordPage, object: string) => Included[] = () => [];

  put(item: Included) {
    const old = this.#known.get(item.id);
    if (old && old.title === item.title && old.subtitle === item.subtitle) return;
    this.#known.set(item.id, item);
  }

  include(items: Record<string, Included> | undefined | null) {
    for (const item of Object.values(items ?? {})) this.put(item);
  }

  get(id: string): Included | undefined {
    return this.#known.get(id);
  }

  /** Asks for the title when it is not known yet. */
  want(object: string, id: string) {
    // A link that may point anywhere does not tell where to ask; its title comes with the record.
    if (object === '' || object === '*' || this.#known.has(id) || this.#asked.has(id)) return;
    this.#asked.add(id);
    const ids = this.#waiting.get(object) ?? new Set();
    ids.add(id);
    this.#waiting.set(object, ids);
    this.#timer ??= setTimeout(() => void this.#fetch(), 20);
  }

  async #fetch() {
    this.#timer = null;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const [object, ids] of waiting) {
      const all = [...ids];
      for (let from = 0; from < all.length; from += IDS_MAX) {
        const some = all.slice(from, from + IDS_MAX);
        const filter = `id in [${some.map((id) => JSON.stringify(id)).join(', ')}]`;
        try {
          const page = await list(object, { filter, limit: IDS_MAX, total: false });
          for (const item of this.name(page, object)) this.put(item);
        } catch {
          // Not permitted, or offline: the link shows without a name.
        }
      }
    }
  }

  clear() {
    this.#known.clear();
    this.#asked.clear();
    this.#waiting.clear();
  }
}

export const titles = new Titles();
