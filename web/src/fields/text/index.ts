import TextDisplay from '../shared/TextDisplay.svelte';
import TextEditor from '../shared/TextEditor.svelte';
import { plain } from '../../lib/metadata';
import type { Kind } from '../types';

export const text: Kind = {
  key: 'text',
  Display: TextDisplay,
  Editor: TextEditor,
  text: plain,
  form: 'text',
  width: 180,
};
