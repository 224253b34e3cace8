import { titleText } from '../shared/titles';
import LinksDisplay from '../shared/LinksDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const links: Kind = {
  key: 'links',
  Display: LinksDisplay,
  Editor,
  text: titleText,
  form: 'record',
  list: true,
  width: 200,
};
