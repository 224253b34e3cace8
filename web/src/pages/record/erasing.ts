/** What a person chooses and types before an erasure. Pure. */

/** The list with a key in it or out of it. */
export const toggled = (list: string[], key: string): string[] =>
  list.includes(key) ? list.filter((k) => k !== key) : [...list, key];

const plain = (text: string) => text.normalize('NFC').replace(/\s+/g, ' ').trim().toLocaleLowerCase();

/** Whether somebody typed the name of what they are about to erase. Case and spaces do not matter; nothing is no name. */
export const typedAlike = (typed: string, title: string): boolean =>
  plain(title) !== '' && plain(typed) === plain(title);
