/** Plugins' panels: which there are, drawing one, using it. */

import { get, post } from './client';
import type { Values } from './types';
import type { PanelAnswer } from '../panels/tree';

export type Slot = 'record' | 'home' | 'settings';

export interface PanelInfo {
  plugin: string;
  plugin_name: string;
  panel: string;
  label: string;
  icon: string;
  slot: Slot;
  objects: string[];
}

const part = encodeURIComponent;
const path = (panel: PanelInfo, what: string) => `/plugins/${part(panel.plugin)}/panels/${part(panel.panel)}/${what}`;

export const panelsOf = async (slot: Slot, object?: string) =>
  (await get<{ items: PanelInfo[] }>('/panels', { slot, object })).items;

export const renderPanel = (panel: PanelInfo, target: string | null) =>
  post<PanelAnswer>(path(panel, 'render'), { target });

export const usePanel = (panel: PanelInfo, target: string | null, handler: string, form: Values, state: string) =>
  post<PanelAnswer>(path(panel, 'act'), { target, handler, form, state });
