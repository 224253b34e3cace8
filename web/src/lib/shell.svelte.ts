/** What floats above every page: command palette, navigation drawer, a new record. */

import type { Values } from '../api/types';

class Shell {
  palette = $state(false);
  drawer = $state(false);
  creating = $state.raw<{ object: string; known: Values } | null>(null);

  create(object: string, known: Values = {}) {
    this.creating = { object, known };
  }
}

export const shell = new Shell();
