//! The index itself and the thread that writes it. Holds words and places, no values and no ids. In memory only: what is searched
//! is never written anywhere.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, Sender};
use parking_lot::RwLock;
use tantivy::{
    Index, IndexReader, IndexSettings, IndexWriter, ReloadPolicy, TantivyDocument,
    directory::RamDirectory,
    merge_policy::LogMergePolicy,
    schema::{FAST, Field, IndexRecordOption, Schema, TextFieldIndexing, TextOptions},
};

use super::{
    Change, SearchError, Shared, place,
    replaced::{AtPlaces, PLACE},
    verify,
    view::View,
    words,
};
use crate::image::{Bits, table::Table};

/// How long changes of a steady stream gather before they become searchable: fewer and larger segments are less to write and to merge.
/// With the time that making them searchable takes it stays below a second.
const GATHER: Duration = Duration::from_millis(600);

/// How long a pause ends the gathering; between two looks, so that who writes need not wake this thread each time.
const PAUSE: Duration = Duration::from_millis(25);

/// Memory of the writer while it follows changes: the least that the library takes.
const WRITER_BYTES: usize = 15_000_000;

/// Memory of the writer while it indexes everything, by the number of records: fewer and larger segments are less to merge.
const WRITER_BYTES_MAX: usize = 48_000_000;
const WRITER_BYTES_PER_RECORD: usize = 150;

/// Segments of about one size that are merged into one. The library's eight would read a long import's words two more times; each
/// question looks into a few more segments instead.
const SEGMENTS_PER_MERGE: usize = 16;

/// Records indexed between two moments of becoming searchable, when everything is indexed.
const RECORDS_PER_COMMIT: usize = 250_000;

/// Records read in one hold of a table's lock.
const ROWS_PER_TURN: u32 = 256;

pub(super) struct Words {
    pub title: Field,
    pub body: Field,
    pub place: Field,
    reader: IndexReader,
    view: RwLock<Arc<View>>,
    index: Index,
    directory: RamDirectory,
}

impl Words {
    pub fn new() -> Result<Words, SearchError> {
        let mut schema = Schema::builder();
        // The texts are words already, separated by spaces; neither positions nor frequencies are used.
        let indexing = TextFieldIndexing::default()
            .set_tokenizer("whitespace")
            .set_index_option(IndexRecordOption::Basic)
            .set_fieldnorms(false);
        let text = TextOptions::default().set_indexing_options(indexing);
        let title = schema.add_text_field("title", text.clone());
        let body = schema.add_text_field("body", text);
        let place = schema.add_u64_field(PLACE, FAST);
        let directory = RamDirectory::create();
        // Nothing is kept in the library's store of documents, which else gets a thread of its own with every segment.
        let settings = IndexSettings { docstore_compress_dedicated_thread: false, ..IndexSettings::default() };
        let index = Index::create(directory.clone(), schema.build(), settings)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let view = RwLock::default();
        Ok(Words { title, body, place, reader, view, index, directory })
    }

    /// What is searchable now.
    pub fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    fn show(&self) -> Result<(), SearchError> {
        self.reader.reload()?;
        let view = View::of(&self.reader.searcher(), &self.view())?;
        *self.view.write() = Arc::new(view);
        Ok(())
    }

    pub fn memory_bytes(&self) -> u64 {
        self.directory.total_mem_usage() as u64
    }
}

/// Writes what is told until nobody can tell any more.
pub(super) fn follow(shared: &Shared, told: &Receiver<Change>) {
    if let Err(error) = write(shared, told) {
        tracing::error!(code = "search.index", %error, "the search index stopped; restart to rebuild it");
        *shared.failed.write() = Some(error.to_string());
    }
}

fn write(shared: &Shared, told: &Receiver<Change>) -> Result<(), SearchError> {
    let mut writer = Writer::start(shared, WRITER_BYTES)?;
    while let Ok(first) = told.recv() {
        let until = Instant::now() + GATHER;
        let mut waiting = Vec::new();
        let mut count = 1;
        writer = writer.take(first, &mut waiting)?;
        while waiting.is_empty() && Instant::now() < until {
            thread::sleep(PAUSE);
            let before = count;
            for change in told.try_iter() {
                count += 1;
                writer = writer.take(change, &mut waiting)?;
            }
            if count == before {
                break;
            }
        }
        writer.commit()?;
        shared.behind.fetch_sub(count, Ordering::Relaxed);
        for done in waiting {
            // Nobody waits any more; that is their choice.
            let _ = done.send(());
        }
    }
    Ok(())
}

struct Writer<'a> {
    shared: &'a Shared,
    writer: IndexWriter,
    /// Rows that are in the index, by object: what is not needs no taking out, and most of what is told is new.
    indexed: HashMap<u32, Bits>,
    /// Places whose documents are written anew with the next commit, once however often they were told.
    changed: HashSet<u64>,
    /// Of those, what is not written again: the image may still hold it for a moment.
    gone: HashSet<u64>,
}

impl<'a> Writer<'a> {
    fn start(shared: &'a Shared, bytes: usize) -> Result<Writer<'a>, SearchError> {
        let writer: IndexWriter = shared.words.index.writer_with_num_threads(1, bytes)?;
        let mut merging = LogMergePolicy::default();
        merging.set_min_num_segments(SEGMENTS_PER_MERGE);
        writer.set_merge_policy(Box::new(merging));
        Ok(Writer { shared, writer, indexed: HashMap::new(), changed: HashSet::new(), gone: HashSet::new() })
    }

    /// The writer again with other memory. Only one may be there at a time, so the library finishes its merges first; what they
    /// made of many segments is shown at once.
    fn resized(self, bytes: usize) -> Result<Writer<'a>, SearchError> {
        let Writer { shared, writer, indexed, changed, gone } = self;
        writer.wait_merging_threads()?;
        shared.words.show()?;
        Ok(Writer { indexed, changed, gone, ..Writer::start(shared, bytes)? })
    }

    fn take(mut self, change: Change, waiting: &mut Vec<Sender<()>>) -> Result<Writer<'a>, SearchError> {
        match change {
            Change::Record(id) => {
                if let Some((object, row)) = self.shared.image.place(id)
                    && let Some(cell) = self.shared.image.cell(object)
                {
                    let place = place(object, row);
                    if self.is_indexed(place) {
                        self.changed.insert(place);
                    } else {
                        let document = self.document(&cell.read(), row);
                        self.add(place, document)?;
                    }
                }
            }
            Change::Place(place) => {
                self.changed.insert(place);
                self.gone.insert(place);
            }
            Change::Everything => {
                let bytes = self.records().saturating_mul(WRITER_BYTES_PER_RECORD).min(WRITER_BYTES_MAX);
                if bytes <= WRITER_BYTES {
                    self.everything()?;
                } else {
                    self = self.resized(bytes)?;
                    self.everything()?;
                    self = self.resized(WRITER_BYTES)?;
                }
            }
            Change::Settle(done) => waiting.push(done),
        }
        Ok(self)
    }

    fn records(&self) -> usize {
        let image = &self.shared.image;
        let objects = image.schema().objects().iter().filter(|o| !o.system).map(|o| o.id).collect::<Vec<u32>>();
        objects.into_iter().map(|object| image.count(object) as usize).sum()
    }

    fn is_indexed(&self, place: u64) -> bool {
        let rows = self.indexed.get(&((place >> 32) as u32));
        rows.is_some_and(|rows| rows.get(place as u32 as usize))
    }

    /// Adds a document; nothing is at its place in the index.
    fn add(&mut self, place: u64, document: Option<TantivyDocument>) -> Result<(), SearchError> {
        let there = document.is_some();
        if let Some(document) = document {
            self.writer.add_document(document)?;
        }
        self.indexed.entry((place >> 32) as u32).or_default().set(place as u32 as usize, there);
        Ok(())
    }

    /// Writes what has changed anew. First all of it is taken out, since what is added later must stay.
    fn replace(&mut self) -> Result<(), SearchError> {
        let (mut changed, gone) = (std::mem::take(&mut self.changed), std::mem::take(&mut self.gone));
        changed.retain(|place| self.is_indexed(*place));
        if changed.is_empty() {
            return Ok(());
        }
        let changed = Arc::new(changed);
        self.writer.delete_query(Box::new(AtPlaces(changed.clone())))?;
        for place in changed.iter() {
            let cell = self.shared.image.cell((*place >> 32) as u32).filter(|_| !gone.contains(place));
            let document = cell.and_then(|cell| self.document(&cell.read(), *place as u32));
            self.add(*place, document)?;
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), SearchError> {
        self.replace()?;
        self.writer.commit()?;
        self.shared.words.show()
    }

    fn everything(&mut self) -> Result<(), SearchError> {
        let mut since = 0;
        for object in self.shared.image.schema().objects().iter().filter(|o| !o.system) {
            let Some(cell) = self.shared.image.cell(object.id) else { continue };
            let mut from = 0;
            loop {
                let documents: Vec<(u64, TantivyDocument)> = {
                    let table = cell.read();
                    let to = (from + ROWS_PER_TURN).min(table.len() as u32);
                    if from >= to {
                        break;
                    }
                    let rows = from..to;
                    from = to;
                    rows.filter_map(|row| Some((place(object.id, row), self.document(&table, row)?))).collect()
                };
                since += documents.len();
                for (place, document) in documents {
                    if self.is_indexed(place) {
                        self.changed.insert(place);
                    } else {
                        self.add(place, Some(document))?;
                    }
                }
                if since >= RECORDS_PER_COMMIT {
                    since = 0;
                    self.commit()?;
                }
            }
        }
        self.commit()?;
        self.shared.ready.store(true, Ordering::Release);
        Ok(())
    }

    /// None for what is not to be found: trash, erased rows, administration.
    fn document(&self, table: &Table, row: u32) -> Option<TantivyDocument> {
        if !table.live.get(row as usize) || table.def.system {
            return None;
        }
        let (mut title, mut body) = (String::new(), String::new());
        verify::texts(table, row, |slot, text| {
            let into = if slot.def.key == table.def.title { &mut title } else { &mut body };
            words::each_indexed(text, |word| {
                into.push_str(word);
                into.push(' ');
            });
        });
        let mut document = TantivyDocument::default();
        document.add_text(self.shared.words.title, title);
        document.add_text(self.shared.words.body, body);
        document.add_u64(self.shared.words.place, place(table.def.id, row));
        Some(document)
    }
}
