/** Erasing for good, and everything held on one person as a file. */

import { BASE, post } from './client';

export interface Sample {
  id: string;
  object?: string;
  title: string;
}

/** Records of one object that an erasure reaches; for links, with the field they link by. */
export interface Hanging {
  object: string;
  label: string;
  field?: string;
  count: number;
  samples: Sample[];
}

export interface Mention {
  object: string;
  id: string;
  title: string;
  fields: string[];
}

export interface ErasePlan {
  /** Fits this plan only; sent back as `confirm`. */
  token: string;
  count: number;
  dependents: Hanging[];
  links: Hanging[];
  blocked: Hanging[];
  files: number;
  kept_files: number;
  mentions: Mention[];
  mentions_cut: boolean;
}

export interface EraseOutcome {
  records: number;
  files: number;
  links: number;
  links_left: number;
  already: boolean;
}

/** Objects that stay though their records hang on it, and objects that go with it. */
export interface EraseChoice {
  keep: string[];
  with: string[];
}

const at = (object: string, id: string) => `/records/${encodeURIComponent(object)}/${encodeURIComponent(id)}`;

export const erasePlan = (object: string, id: string, choice: EraseChoice) =>
  post<ErasePlan>(`${at(object, id)}/erase`, { preview: true, ...choice });

export const erase = (object: string, id: string, choice: EraseChoice, confirm: string, reason: string) =>
  post<EraseOutcome>(`${at(object, id)}/erase`, { confirm, reason, ...choice });

export const personalDataUrl = (object: string, id: string) => `${BASE}${at(object, id)}/personal-data`;
