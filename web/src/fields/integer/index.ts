import { integer as format } from '../../lib/format';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const integer: Kind = {
  key: 'integer',
  Display: TextDisplay,
  Editor,
  text: (v) => (v === null || v === undefined ? '' : format(Number(v))),
  form: 'number',
  align: 'end',
  width: 100,
};
