/** Permissions in the words of the live schema and of the chosen language. */

import type { Permission } from '../../api/plugins';
import type { InputSchema } from '../../api/types';
import { fill, maybe, t } from '../../i18n/index.svelte';
import { inSentence } from '../../lib/format';
import { fieldLabel, objectPlural, session } from '../../lib/session.svelte';
import { sentenceOf, SETTING, type Names } from './permissions';

/** A host as it is, or in words the setting that it is taken from. */
export function addressOf(host: string, settings: InputSchema | null): string {
  if (!host.startsWith(SETTING)) return host;
  const key = host.slice(SETTING.length);
  return t('plugin.setting_address', { name: settings?.properties?.[key]?.title ?? key });
}

export function wordsFor(permission: Permission, settings: InputSchema | null): string {
  const names: Names = {
    object: (key) => {
      const object = session.object(key);
      return object ? inSentence(objectPlural(object)) : key;
    },
    field: (object, key) => {
      const field = session.field(object, key);
      return field ? fieldLabel(object, field) : key;
    },
    event: (kind) => maybe(`permission.event.${kind}`) ?? kind,
    address: (host) => addressOf(host, settings),
  };
  const sentence = sentenceOf(permission, names, (key) => maybe(key) !== null);
  return sentence ? fill(maybe(sentence.key) ?? '', sentence.params) : permission.text;
}
