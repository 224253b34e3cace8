import { date as format } from '../../lib/format';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const date: Kind = {
  key: 'date',
  Display: TextDisplay,
  Editor,
  text: (v) => (v ? format(String(v)) : ''),
  form: 'date',
  width: 120,
};
