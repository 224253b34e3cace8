import { titleText } from '../shared/titles';
import LinksDisplay from '../shared/LinksDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const user: Kind = { key: 'user', Display: LinksDisplay, Editor, text: titleText, form: 'user', width: 170 };
