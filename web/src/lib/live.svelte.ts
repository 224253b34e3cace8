/** Changes made elsewhere, as the server tells them. Hands events on; refreshes nothing itself. */

import { follow } from '../api/stream';
import type { ChangeEvent } from '../api/types';

type OnChange = (event: ChangeEvent) => void;

class Live {
  online = $state(navigator.onLine);
  #end: (() => void) | null = null;
  #changes = new Set<OnChange>();
  /** The stream was interrupted and came back: what was missed is unknown, so listeners reload. */
  #again = new Set<() => void>();
  #schema = new Set<() => void>();
  #lost = false;
  #offline: ReturnType<typeof setTimeout> | null = null;

  start() {
    this.#end ??= follow(
      '/events',
      {
        change: (data) => {
          const event = JSON.parse(data) as ChangeEvent;
          for (const run of this.#changes) run(event);
        },
        schema: () => {
          for (const run of this.#schema) run();
        },
      },
      {
        opened: () => {
          this.#settle(true);
          if (this.#lost) for (const run of this.#again) run();
          this.#lost = false;
        },
        lost: () => {
          this.#lost = true;
          // A short break is no news.
          this.#offline ??= setTimeout(() => this.#settle(false), 4000);
        },
      },
    );
  }

  #settle(online: boolean) {
    if (this.#offline) clearTimeout(this.#offline);
    this.#offline = null;
    this.online = online;
  }

  stop() {
    this.#end?.();
    this.#end = null;
    this.#settle(true);
  }

  onChange(run: OnChange): () => void {
    this.#changes.add(run);
    return () => this.#changes.delete(run);
  }

  onReconnect(run: () => void): () => void {
    this.#again.add(run);
    return () => this.#again.delete(run);
  }

  onSchema(run: () => void): () => void {
    this.#schema.add(run);
    return () => this.#schema.delete(run);
  }
}

export const live = new Live();
addEventListener('offline', () => (live.online = false));
addEventListener('online', () => (live.online = true));
