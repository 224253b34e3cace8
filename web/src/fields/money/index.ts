import { isMoney, money as format } from '../../lib/format';
import { plain } from '../../lib/metadata';
import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const money: Kind = {
  key: 'money',
  Display: TextDisplay,
  Editor,
  text: (v) => (isMoney(v) ? format(v) : plain(v)),
  form: 'number',
  align: 'end',
  width: 140,
};
