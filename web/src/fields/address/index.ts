import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';
import { addressText } from './text';

export const address: Kind = {
  key: 'address',
  Display: TextDisplay,
  Editor,
  text: addressText,
  form: 'text',
  width: 220,
  wide: true,
};
