/** Changes made elsewhere, as the server tells them. Hands events on; refreshes nothing itself. */

import { BASE } from '../api/client';
import type { ChangeEvent } from '../api/types';

type OnChange = (event: ChangeEvent) => void;

class Live {
  online = $state(navigator.onLine);
  /** The stream was interrupted and came back: what was missed is unknown, so listeners reload. */
  #source: EventSource | null = null;
  #changes = new Set<OnChange>();
  #again = new Set<() => void>();
  #schema = new Set<() => void>();
  #lost = false;
  #offline: ReturnType<typeof setTimeout> | null = null;

  start() {
    if (this.#source) return;
    const source = new EventSource(`${BASE}/events`);
    this.#source = source;
    source.addEventListener('change', (e) => {
      const event = JSON.parse((e as MessageEvent<string>).data) as ChangeEvent;
      for (const run of this.#changes) run(event);
    });
    source.addEventListener('schema', () => {
      for (const run of this.#schema) run();
    });
    source.onopen = () => {
      this.#settle(true);
      if (this.#lost) for (const run of this.#again) run();
      this.#lost = false;
    };
    source.onerror = () => {
      this.#lost = true;
      // A short break is no news; the browser reconnects by itself unless the answer was final.
      this.#offline ??= setTimeout(() => this.#settle(false), 4000);
      if (source.readyState === EventSource.CLOSED) {
        this.#source = null;
        setTimeout(() => this.#changes.size >= 0 && this.#wanted && this.start(), 5000);
      }
    };
    this.#wanted = true;
  }

  #wanted = false;

  #settle(online: boolean) {
    if (this.#offline) clearTimeout(this.#offline);
    this.#offline = null;
    this.online = online;
  }

  stop() {
    this.#wanted = false;
    this.#source?.close();
    this.#source = null;
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
