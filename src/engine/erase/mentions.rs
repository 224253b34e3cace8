//! Where else the words of somebody stand: text of other records, and kept files of imports. Finds, and changes nothing.

use std::{collections::HashSet, io::Read};

use kith_base::RecordId;
use kith_model::Value;
use serde::Serialize;

use crate::{Actor, Engine, Op, Record, access::Guard, engine::Core, meta::ObjectMeta};

/// Words looked for in one plan. A plan for hundreds of records looks for the first ones only, and says so.
const WORDS_MAX: usize = 40;

/// Hits looked at per word.
const HITS_MAX: usize = 200;

/// Mentions listed in all.
const MENTIONS_MAX: usize = 100;

/// Shorter words are found everywhere.
const WORD_CHARS_MIN: usize = 4;

/// Digits of a number that tell it from others, wherever it is written.
const NATIONAL_DIGITS: usize = 8;

/// Bytes of a kept file that are looked through.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A record that names what is to be erased in one of its texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mention {
    pub object: String,
    pub id: RecordId,
    pub title: String,
    /// Keys of the fields that do.
    pub fields: Vec<String>,
}

/// Words by which somebody is found, lower case; numbers as digits.
#[derive(Clone, Debug, Default)]
pub(super) struct Words {
    pub texts: Vec<String>,
    pub numbers: Vec<String>,
    pub cut: bool,
}

impl Words {
    /// The words of these records: their titles, and whatever fields hold addresses and numbers.
    pub fn of(core: &Core, roots: &[RecordId]) -> Words {
        let meta = core.meta();
        let mut words = Words::default();
        for id in roots {
            let Some(record) = core.image.get(*id) else { continue };
            let Some(object) = meta.object_by_id(record.object) else { continue };
            words.take(object, &record);
            if words.texts.len() + words.numbers.len() >= WORDS_MAX {
                words.cut = roots.len() > 1;
                break;
            }
        }
        words
    }

    fn take(&mut self, object: &ObjectMeta, record: &Record) {
        for field in &object.def.fields {
            let value = record.values.get(field.id);
            let keys = match field.kind.as_str() {
                _ if value.is_null() => continue,
                "email" | "phone" => field.kind().unique_keys(field, value),
                "link" | "user" => continue,
                _ if field.key == object.def.title => vec![field.kind().to_text(field, value)],
                _ => continue,
            };
            for key in keys.iter().map(|key| key.trim().to_lowercase()) {
                let number = digits(&key);
                if field.kind == "phone" && number.len() >= 6 {
                    push(&mut self.numbers, number);
                } else if key.chars().count() >= WORD_CHARS_MIN {
                    push(&mut self.texts, key);
                }
            }
        }
    }

    pub fn are_in(&self, text: &str) -> bool {
        let text = text.to_lowercase();
        self.texts.iter().any(|word| text.contains(word.as_str()))
            || (!self.numbers.is_empty() && {
                let digits = digits(&text);
                self.numbers.iter().any(|number| digits.contains(national(number)))
            })
    }
}

fn push(words: &mut Vec<String>, word: String) {
    if !words.contains(&word) {
        words.push(word);
    }
}

/// The digits that are the same with and without the code of a country.
fn national(number: &str) -> &str {
    &number[number.len().saturating_sub(NATIONAL_DIGITS)..]
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Ids of records that a text holds: where fields stand apart, no name is whole, and the id still says whose they are.
fn ids_in(text: &str) -> impl Iterator<Item = RecordId> + '_ {
    const ID_CHARS: usize = 36;
    let pieces = text.split(|c: char| !(c.is_ascii_hexdigit() || c == '-'));
    pieces.filter(|piece| piece.len() == ID_CHARS).filter_map(|piece| piece.parse().ok())
}

impl Engine {
    /// Records outside `erased` that the actor may read and that hold one of the words.
    pub(super) fn mentions(&self, actor: &Actor, words: &Words, erased: &HashSet<RecordId>) -> Vec<Mention> {
        let core = self.core();
        let meta = core.meta();
        let guard = Guard::new(actor);
        let sight = self.sight(actor);
        let readable = meta.schema.objects().iter().filter(|o| !o.system && guard.may_some(o, Op::Read));
        let scope: Vec<(u32, Vec<u32>)> = readable.map(|o| (o.id, guard.visible_fields(o))).collect();
        if core.search.ready() {
            core.search.settle();
        }
        let mut seen = HashSet::new();
        let mut found = Vec::new();
        let texts = words.texts.iter().chain(&words.numbers).map(String::as_str);
        for word in texts.chain(words.numbers.iter().map(|number| national(number))) {
            for (id, _) in core.search.search(word, &scope, HITS_MAX) {
                if found.len() >= MENTIONS_MAX || erased.contains(&id) || !seen.insert(id) {
                    continue;
                }
                let Some(record) = core.image.get(id) else { continue };
                let Some(object) = meta.object_by_id(record.object) else { continue };
                if !sight.may(&object.def, Op::Read, &record) {
                    continue;
                }
                let visible = guard.known(&object.def);
                let holds = visible.fields.iter().filter(|field| {
                    let value = record.values.get(field.id);
                    !value.is_null() && words.are_in(&field.kind().to_text(field, value))
                });
                let fields: Vec<String> = holds.map(|field| field.key.clone()).collect();
                if !fields.is_empty() {
                    let title = self.title(actor, &record).map_or_else(String::new, |title| title.title);
                    found.push(Mention { object: object.def.key.clone(), id, title, fields });
                }
            }
        }
        found
    }

    /// Content that other records keep for a while and that holds one of the words, such as the refused rows of an import: object, field,
    /// record and name of the content.
    pub(super) fn kept_files(&self, words: &Words, erased: &HashSet<RecordId>) -> Vec<(u32, u32, RecordId, String)> {
        let core = self.core();
        let meta = core.meta();
        let mut found = Vec::new();
        // Attachments are somebody's documents and are not looked into; what administration keeps are copies of rows.
        for object in meta.schema.objects().iter().filter(|o| o.system) {
            for field in object.fields.iter().filter(|field| field.stored() && !field.program()) {
                for record in core.records_of(object.id).into_iter().filter(|record| !erased.contains(&record.id)) {
                    let Value::Text(name) = record.values.get(field.id) else { continue };
                    if self.content_holds(name, words, erased) {
                        found.push((object.id, field.id, record.id, name.clone()));
                    }
                }
            }
        }
        found
    }

    fn content_holds(&self, name: &str, words: &Words, erased: &HashSet<RecordId>) -> bool {
        let Ok(file) = self.files().read(name) else { return false };
        let mut bytes = Vec::new();
        // A file that does not open to its end is looked at as far as it does.
        let _ = file.take(FILE_BYTES_MAX).read_to_end(&mut bytes);
        let text = String::from_utf8_lossy(&bytes);
        words.are_in(&text) || ids_in(&text).any(|id| erased.contains(&id))
    }
}
