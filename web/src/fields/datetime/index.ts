import { dateTime } from '../../lib/format';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const datetime: Kind = {
  key: 'datetime',
  Display: TextDisplay,
  Editor,
  text: (v) => (v ? dateTime(String(v)) : ''),
  form: 'datetime',
  width: 170,
};
