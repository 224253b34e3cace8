import { decimal as format } from '../../lib/format';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const decimal: Kind = {
  key: 'decimal',
  Display: TextDisplay,
  Editor,
  text: (v) => (v === null || v === undefined ? '' : format(v as string)),
  form: 'number',
  align: 'end',
  width: 120,
};
