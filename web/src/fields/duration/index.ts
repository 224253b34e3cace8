import { duration as format } from '../../lib/format';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const duration: Kind = {
  key: 'duration',
  Display: TextDisplay,
  Editor,
  text: (v) => (typeof v === 'number' ? format(v) : ''),
  form: 'duration',
  align: 'end',
  width: 100,
};
