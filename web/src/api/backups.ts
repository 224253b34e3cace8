/** Backups: the list, taking one, the schedule, the files. For administrators. */

import { BASE, get, post, put } from './client';

export interface Backup {
  id: string;
  name: string;
  kind: 'full' | 'incremental';
  state: 'running' | 'done' | 'failed' | 'removed';
  created_at: string;
  finished_at: string | null;
  size_bytes: number;
  records: number;
  files: number;
  scheduled: boolean;
  message: string | null;
  /** The file is where it was put. */
  there: boolean;
}

export interface BackupHealth {
  enabled: boolean;
  recipients: number | string[];
  newest_at: string | null;
  newest_age_seconds: number | null;
  same_disk: boolean | null;
  problem: string | null;
}

export interface Schedule {
  enabled: boolean;
  folder: string | null;
  recipients: string[];
  daily_at: string | null;
  time_zone: string | null;
  every_hours: number;
  keep: { last: number; daily: number; weekly: number; monthly: number };
}

export const backups = () => get<{ items: Backup[]; health: BackupHealth }>('/backups');
export const startBackup = (incremental: boolean) => post<{ id: string }>('/backups', { incremental });
export const schedule = () => get<Schedule>('/backups/schedule');
export const setSchedule = (next: Schedule) => put<Schedule>('/backups/schedule', next);
export const backupUrl = (id: string) => `${BASE}/backups/${encodeURIComponent(id)}/content`;
