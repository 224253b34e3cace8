import { titleText } from '../shared/titles';
import LinksDisplay from '../shared/LinksDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const link: Kind = { key: 'link', Display: LinksDisplay, Editor, text: titleText, form: 'record', width: 170 };
