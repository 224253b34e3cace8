/** Attachments and imports: what travels as multipart. */

import { BASE, call, get, post, Problem, url } from './client';
import type { Importer, ImportJob, ImportOptions, ImportPreview, KithRecord, ProblemBody } from './types';

/** Uploads with progress (0 to 1), which fetch cannot tell. @throws Problem */
export function attach(
  file: File,
  to: { object: string; record: string } | null,
  progress: (done: number) => void,
): Promise<KithRecord> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open('POST', url('/files', to ? { ...to } : {}));
    request.responseType = 'json';
    request.upload.onprogress = (e) => progress(e.lengthComputable ? e.loaded / e.total : 0);
    request.onerror = () => failed(new Problem(0, { code: 'network' }));
    request.onload = () => {
      if (request.status < 300) done(request.response as KithRecord);
      else failed(new Problem(request.status, (request.response ?? {}) as ProblemBody));
    };
    const form = new FormData();
    form.set('file', file);
    request.send(form);
  });
}

export const contentUrl = (id: string) => `${BASE}/files/${encodeURIComponent(id)}/content`;

function importForm(file: File, options: ImportOptions, importer: string): FormData {
  const form = new FormData();
  // Options first: the server can then read the file as a stream.
  form.set('options', JSON.stringify(options));
  if (importer) form.set('importer', importer);
  form.set('file', file);
  return form;
}

/** `importer`: one of a plugin, or empty where Kith reads the file itself. */
export const previewImport = (file: File, options: Omit<ImportOptions, 'dry_run'>, importer = '') =>
  call<ImportPreview>('POST', '/imports', { form: importForm(file, { ...options, dry_run: true }, importer) });

export const startImport = (file: File, options: Omit<ImportOptions, 'dry_run'>, importer = '') =>
  call<{ id: string }>('POST', '/imports', { form: importForm(file, { ...options, dry_run: false }, importer) });

/** Plugins' importers into objects that the asker may make records of. */
export const importers = async () => (await get<{ items: Importer[] }>('/importers')).items;

export const importJob = (id: string) => get<ImportJob>(`/imports/${encodeURIComponent(id)}`);
export const undoImport = (id: string) => post<ImportJob>(`/imports/${encodeURIComponent(id)}/undo`);
export const refusedUrl = (id: string) => url(`/imports/${encodeURIComponent(id)}/refused.csv`);
