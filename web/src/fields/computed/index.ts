import { plain } from '../../lib/metadata';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';

/** Stands in only when the definition does not say what it computes; else the result's own kind shows it. */
export const computed: Kind = {
  key: 'computed',
  Display: TextDisplay,
  Editor: null,
  text: plain,
  form: 'text',
  width: 160,
};
