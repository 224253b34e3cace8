import { plain } from '../../lib/metadata';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';

export const autoNumber: Kind = {
  key: 'auto_number',
  Display: TextDisplay,
  Editor: null,
  text: plain,
  form: 'number',
  width: 90,
};
