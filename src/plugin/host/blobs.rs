//! `blobs`: files of the records that the plugin may read.

use std::io::{Read, Seek, SeekFrom};

use data_encoding::HEXLOWER;
use kith_base::RecordId;
use kith_engine::{Command, CommitOptions, Fields, Record};
use kith_model::Value;

use super::told;
use crate::{
    contract::{
        Error,
        blobs::{Host, Info},
    },
    importers::Source,
    runtime::call::{CallState, Phase},
};

const OBJECT: &str = "files";
const READ_BYTES_MAX: u32 = 1 << 20;
const PUT_BYTES_MAX: usize = 16 << 20;
const NAME_CHARS_MAX: usize = 200;
const KIND_CHARS_MAX: usize = 100;

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl Host for CallState {
    fn stat(&mut self, id: String) -> Answer<Info> {
        self.ask("blobs.stat", (id,), |state, (id,)| state.stat_file(&id))
    }

    fn read(&mut self, id: String, offset: u64, len: u32) -> Answer<Vec<u8>> {
        self.ask("blobs.read", (id, offset, len), |state, (id, offset, len)| {
            state.read_file(&id, offset, len.min(READ_BYTES_MAX))
        })
    }

    fn put(&mut self, name: String, mime: String, content: Vec<u8>, attach_to: Option<String>) -> Answer<Info> {
        self.ask("blobs.put", (name, mime, content, attach_to), |state, (name, mime, content, about)| {
            state.put_file(&name, &mime, &content, about.as_deref())
        })
    }
}

impl CallState {
    /// The file that this call is about.
    fn source(&self, id: &str) -> Option<&Source> {
        self.info.source.as_deref().filter(|source| source.id.to_string() == id)
    }

    fn stat_file(&self, id: &str) -> Result<Info, Error> {
        let Some(source) = self.source(id) else { return self.info_of(&self.file(id)?) };
        Ok(Info {
            id: id.to_string(),
            name: source.name.clone(),
            mime: source.media_type.clone(),
            size: source.size_bytes,
            sha256: source.sha256.clone(),
        })
    }

    fn file(&self, id: &str) -> Result<Record, Error> {
        if !self.plugin.manifest.blobs.as_ref().is_some_and(|blobs| blobs.read) {
            return Err(Error::Denied(
                "files are not granted; ask for them in plugin.toml: [blobs] read = true".into(),
            ));
        }
        let id = id.parse::<RecordId>().map_err(|_| Error::NotFound)?;
        self.engine().get(&self.plugin.actor, OBJECT, id).map_err(|e| told(&e))
    }

    fn text(&self, record: &Record, key: &str) -> String {
        let schema = self.engine().schema();
        let field = schema.object(OBJECT).and_then(|object| object.field(key).cloned());
        match field.map(|field| record.values.get(field.id).clone()) {
            Some(Value::Text(text)) => text,
            Some(Value::Int(number)) => number.to_string(),
            _ => String::new(),
        }
    }

    fn info_of(&self, record: &Record) -> Result<Info, Error> {
        Ok(Info {
            id: record.id.to_string(),
            name: self.text(record, "name"),
            mime: self.text(record, "media_type"),
            size: self.text(record, "size_bytes").parse().unwrap_or(0),
            sha256: self.text(record, "sha256"),
        })
    }

    fn read_file(&self, id: &str, offset: u64, len: u32) -> Result<Vec<u8>, Error> {
        let stored = match self.source(id) {
            Some(source) => source.stored.clone(),
            None => self.text(&self.file(id)?, "content"),
        };
        let unreadable = |e: &dyn std::fmt::Display| Error::Unavailable(e.to_string());
        let mut file = self.engine().files().read(&stored).map_err(|e| unreadable(&e))?;
        file.seek(SeekFrom::Start(offset)).map_err(|e| unreadable(&e))?;
        let mut content = Vec::new();
        file.take(u64::from(len)).read_to_end(&mut content).map_err(|e| unreadable(&e))?;
        Ok(content)
    }

    fn put_file(&mut self, name: &str, mime: &str, content: &[u8], about: Option<&str>) -> Result<Info, Error> {
        self.at_least(Phase::Doing, "writing files").map_err(Error::Denied)?;
        if !self.plugin.manifest.blobs.as_ref().is_some_and(|blobs| blobs.write) {
            return Err(Error::Denied(
                "writing files is not granted; ask for it in plugin.toml: [blobs] write = true".into(),
            ));
        }
        if content.len() > PUT_BYTES_MAX {
            return Err(Error::Limit(format!("a file is at most {PUT_BYTES_MAX} bytes")));
        }
        let about = about.map(|id| id.parse::<RecordId>().map_err(|_| Error::NotFound)).transpose()?;
        self.limits.write_rows(1).map_err(Error::Limit)?;
        let stored = self.engine().files().put(&mut &content[..], PUT_BYTES_MAX as u64);
        let stored = stored.map_err(|e| Error::Unavailable(e.to_string()))?;
        let short =
            |text: &str, most: usize| Value::Text(text.chars().filter(|c| !c.is_control()).take(most).collect());
        let mut values = vec![
            ("name".to_string(), short(name, NAME_CHARS_MAX)),
            ("media_type".to_string(), short(mime, KIND_CHARS_MAX)),
            ("size_bytes".to_string(), Value::Int(i64::try_from(stored.size_bytes).unwrap_or(i64::MAX))),
            ("sha256".to_string(), Value::Text(HEXLOWER.encode(&stored.sha256))),
            ("content".to_string(), Value::Text(stored.name.clone())),
        ];
        values.extend(about.map(|id| ("about".to_string(), Value::Link(id))));
        let command = Command::Create { object: OBJECT.into(), id: None, values: Fields::Parsed(values) };
        let options = CommitOptions { dry_run: self.info.dry_run, ..CommitOptions::caused_by(self.cause()) };
        let written = self.engine().execute(&self.plugin.actor, vec![command], options);
        match written {
            Ok(records) => records.first().ok_or(Error::NotFound).and_then(|record| self.info_of(record)),
            Err(error) => {
                // Nobody knows of the content: it goes again.
                drop(self.engine().files().remove(&stored.name));
                Err(told(&error))
            }
        }
    }
}
