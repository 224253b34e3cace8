import { plain } from '../../lib/metadata';
import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const url: Kind = { key: 'url', Display, Editor, text: plain, form: 'text', width: 180 };
