/** A stream of events from the server that comes back by itself, whatever ended it. */

import { BASE } from './client';

/** Until the next try, after an answer that the browser takes as final: the server starts anew, or there are too many streams. */
const AGAIN_MS = 5_000;

interface State {
  /** The stream is there, for the first time or again. */
  opened?: () => void;
  lost?: () => void;
}

/** Hands on what comes, by the name of the event, and returns what ends the stream. */
export function follow(path: string, on: Record<string, (data: string) => void>, state: State = {}): () => void {
  let source: EventSource;
  let again: ReturnType<typeof setTimeout> | undefined;
  function open() {
    source = new EventSource(`${BASE}${path}`);
    for (const [name, run] of Object.entries(on)) {
      source.addEventListener(name, (event) => run((event as MessageEvent<string>).data));
    }
    source.onopen = () => state.opened?.();
    source.onerror = () => {
      state.lost?.();
      // After a mere interruption the browser tries again by itself.
      if (source.readyState === EventSource.CLOSED) again = setTimeout(open, AGAIN_MS);
    };
  }
  open();
  return () => {
    clearTimeout(again);
    source.close();
  };
}
