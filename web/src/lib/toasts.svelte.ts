/** Short messages that come and go, with at most one thing to do each. */

import { describeProblem } from './problems';

export interface Toast {
  id: number;
  kind: 'info' | 'success' | 'error';
  text: string;
  action?: { label: string; run: () => void };
}

/** Long enough to read and to reach for Undo. */
const SHOWN_MS = 6000;

class Toasts {
  items = $state.raw<Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, 'id'>): number {
    const id = this.#next++;
    this.items = [...this.items.slice(-3), { ...toast, id }];
    setTimeout(() => this.drop(id), toast.kind === 'error' ? SHOWN_MS * 2 : SHOWN_MS);
    return id;
  }

  success(text: string, action?: Toast['action']) {
    this.show({ kind: 'success', text, action });
  }

  info(text: string, action?: Toast['action']) {
    this.show({ kind: 'info', text, action });
  }

  problem(error: unknown) {
    this.show({ kind: 'error', text: describeProblem(error) });
  }

  drop(id: number) {
    this.items = this.items.filter((t) => t.id !== id);
  }
}

export const toasts = new Toasts();
