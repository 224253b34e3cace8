/** Rules of retention: what they would do, and running one. The rules themselves are records of `retention_rules`. */

import { post } from './client';
import type { Values } from './types';

export interface RetentionPreview {
  rule: string | null;
  name: string;
  object: string;
  action: 'trash' | 'erase' | 'anonymise';
  /** Records it would touch, and of how many. */
  count: number;
  of: number;
  /** Within what it may touch without being asked. */
  within: boolean;
  samples: { id: string; title: string }[];
}

export interface RetentionRun {
  state: 'done' | 'held' | 'failed';
  count: number;
  skipped: number;
  message: string;
}

const preview = async (body: object) => (await post<{ items: RetentionPreview[] }>('/retention/preview', body)).items;

export const previewRule = (rule: string) => preview({ rule });
/** Of a rule that is not saved. */
export const previewDraft = (values: Values) => preview({ values });
export const runRule = (rule: string, confirm: boolean) => post<RetentionRun>('/retention/run', { rule, confirm });
