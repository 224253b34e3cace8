/** The panels of a slot, asked for once per object and kept while the schema stays as it is. */

import { panelsOf, type PanelInfo, type Slot } from '../api/panels';

export class Panels {
  items = $state.raw<PanelInfo[]>([]);
  /** True once it is known which there are. */
  known = $state(false);

  /** Where the question fails there are no panels: a page does not depend on them. */
  async load(slot: Slot, object?: string): Promise<void> {
    try {
      this.items = await panelsOf(slot, object);
    } catch {
      this.items = [];
    }
    this.known = true;
  }
}
