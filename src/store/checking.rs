//! Full verification: every segment, frame, hash, seal and link, then every record against what the journal leads to. Reports
//! all it finds and repairs nothing.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use kith_base::RecordId;

use crate::{
    Anchor, Finding, StoreError, VerifyReport,
    checkpoint::{Checkpoint, Noted},
    digest::Digest,
    folder::Folder,
    journal::{
        Frame, FrameKind, Hash,
        format::{Bad, FRAME_MAGIC, SEGMENT_HEADER_BYTES},
        segment::Segment,
    },
    records::Records,
    seal::{Keys, Place},
};

/// Findings that are listed; a wholly foreign disk would otherwise fill the memory with them.
const FINDINGS_MAX: usize = 1_000;

/// How far the journal has been read.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Seen {
    first_seq: u64,
    offset: u64,
}

pub(crate) struct Check<'a> {
    keys: &'a Keys,
    folder: &'a Folder,
    report: VerifyReport,
    /// Seals and records too; else the chain alone.
    whole: bool,
    seq: u64,
    /// `None` after a gap: the next frame's own hash is taken as the start.
    chain: Option<Hash>,
    /// Hash of the newest entry; marks behind it have their own.
    head_chain: Hash,
    /// Version, entry and hash of each record as of `seq`.
    live: HashMap<RecordId, (u64, u64, Hash)>,
    /// Erased values that no erasure entry has accounted for so far, by record, with the newest entry.
    gaps: HashMap<RecordId, u64>,
    digest: Digest,
    /// Digests since the last mark; a mark speaks of an entry some way back.
    recent: VecDeque<(u64, Digest)>,
}

impl<'a> Check<'a> {
    pub fn new(keys: &'a Keys, folder: &'a Folder) -> Check<'a> {
        Check {
            keys,
            folder,
            report: VerifyReport::default(),
            whole: true,
            seq: 0,
            chain: Some([0; 32]),
            head_chain: [0; 32],
            live: HashMap::new(),
            gaps: HashMap::new(),
            digest: Digest::default(),
            recent: VecDeque::new(),
        }
    }

    /// Also tells whether the journal contains these heads.
    pub fn with_anchors(mut self, anchors: &[Anchor]) -> Check<'a> {
        self.report.anchors = anchors.iter().map(|anchor| (anchor.clone(), false)).collect();
        // In the order in which the entries come by.
        self.report.anchors.sort_by_key(|(anchor, _)| anchor.seq);
        self
    }

    /// Reads the chain alone up to `end`, as long as `go_on` says so.
    pub fn chain(
        mut self,
        segments: &[Arc<Segment>],
        end: (u64, u64),
        go_on: &mut dyn FnMut(u64, u64) -> bool,
    ) -> Result<VerifyReport, StoreError> {
        self.whole = false;
        let sizes = segments.iter().map(|segment| std::fs::metadata(&segment.path).map_or(0, |meta| meta.len()));
        let (all, mut done): (u64, _) = (sizes.sum(), 0);
        for segment in segments {
            let bytes = segment.opened()?.read_all()?;
            let until = if segment.header.first_seq == end.0 { bytes.len().min(end.1 as usize) } else { bytes.len() };
            self.begin(segment);
            self.frames(segment, &bytes[..until], SEGMENT_HEADER_BYTES);
            done += bytes.len() as u64;
            drop(bytes);
            if !go_on(done, all) {
                break;
            }
        }
        self.report.head_seq = self.seq;
        self.report.head_hash = self.head_chain;
        Ok(self.report)
    }

    /// Reads the journal up to `end` (first sequence number and written bytes of the last segment).
    pub fn journal(
        &mut self,
        segments: &[Arc<Segment>],
        end: (u64, u64),
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Seen, StoreError> {
        let sizes = segments.iter().map(|segment| std::fs::metadata(&segment.path).map_or(0, |meta| meta.len()));
        let (all, mut done): (u64, _) = (sizes.sum(), 0);
        let mut seen = Seen::default();
        for segment in segments {
            let bytes = segment.opened()?.read_all()?;
            let until = if segment.header.first_seq == end.0 { bytes.len().min(end.1 as usize) } else { bytes.len() };
            self.begin(segment);
            let offset = self.frames(segment, &bytes[..until], SEGMENT_HEADER_BYTES);
            seen = Seen { first_seq: segment.header.first_seq, offset };
            done += bytes.len() as u64;
            progress(done, all);
        }
        Ok(seen)
    }

    /// Reads what was appended since.
    pub fn journal_after(&mut self, seen: Seen, segments: &[Arc<Segment>], end: (u64, u64)) -> Result<(), StoreError> {
        for segment in segments.iter().filter(|segment| segment.header.first_seq >= seen.first_seq) {
            let bytes = segment.opened()?.read_all()?;
            let until = if segment.header.first_seq == end.0 { bytes.len().min(end.1 as usize) } else { bytes.len() };
            let from = if segment.header.first_seq == seen.first_seq {
                seen.offset
            } else {
                self.begin(segment);
                SEGMENT_HEADER_BYTES
            };
            self.frames(segment, &bytes[..until], from);
        }
        Ok(())
    }

    fn begin(&mut self, segment: &Segment) {
        self.report.segments += 1;
        if segment.header.first_seq != self.seq + 1 {
            let what =
                format!("entries {} to {} are missing", self.seq + 1, segment.header.first_seq.saturating_sub(1));
            self.find(segment.place(0), Some(self.seq + 1), Vec::new(), what);
            self.seq = segment.header.first_seq - 1;
        } else if self.chain.is_some_and(|chain| chain != segment.header.chain) {
            let what = "it does not follow from the segment before it".to_string();
            self.find(segment.place(0), Some(self.seq + 1), Vec::new(), what);
        }
        self.chain = Some(segment.header.chain);
    }

    /// Walks frames; after a broken place goes on at the next intact frame. Returns where it ended.
    fn frames(&mut self, segment: &Segment, bytes: &[u8], from: u64) -> u64 {
        let mut offset = from as usize;
        loop {
            let rest = bytes.get(offset..).unwrap_or(&[]);
            if rest.iter().all(|byte| *byte == 0) {
                return offset as u64;
            }
            match Frame::decode(rest, self.keys) {
                Ok(frame) => {
                    self.frame(segment, offset as u64, &frame, rest);
                    offset += frame.bytes as usize;
                }
                Err(bad) => {
                    let next = next_frame(rest, self.keys);
                    let what = describe(&bad, next.map(|at| offset + at));
                    self.find(segment.place(offset as u64), Some(self.seq + 1), Vec::new(), what);
                    self.chain = None;
                    match next {
                        Some(at) => offset += at,
                        None => return bytes.len() as u64,
                    }
                }
            }
        }
    }

    fn frame(&mut self, segment: &Segment, offset: u64, frame: &Frame, bytes: &[u8]) {
        let place = || segment.place(offset);
        if self.chain.is_some_and(|chain| frame.chain_after(&chain, self.keys) != frame.chain) {
            let what =
                "it does not follow from the entry before it: something was cut out, swapped or put in".to_string();
            self.find(place(), Some(frame.seq), ids(frame), what);
        }
        self.chain = Some(frame.chain);
        if frame.kind == FrameKind::Mark {
            if self.whole {
                self.mark(place(), frame);
            }
            return;
        }
        if frame.seq > self.seq + 1 {
            let what = format!("entries {} to {} are missing before it", self.seq + 1, frame.seq - 1);
            self.find(place(), Some(self.seq + 1), Vec::new(), what);
        } else if frame.seq <= self.seq {
            self.find(place(), Some(frame.seq), ids(frame), "it is out of order".to_string());
        }
        if let Err(bad) = frame.check_data(bytes, self.keys) {
            self.find(place(), Some(frame.seq), ids(frame), describe(&bad, None));
        } else if self.whole {
            self.seals(segment, offset, frame, bytes);
        }
        self.anchored(frame);
        self.head_chain = frame.chain;
        if self.whole {
            self.take_in(frame);
        } else {
            self.report.entries += 1;
            self.report.changes += frame.rows.len() as u64;
            self.seq = frame.seq;
        }
    }

    /// Holds the anchors of this entry against its hash, which by now is known to follow from all before it, or was found not to.
    fn anchored(&mut self, frame: &Frame) {
        let anchors = &mut self.report.anchors;
        let first = anchors.partition_point(|(anchor, _)| anchor.seq < frame.seq);
        for (anchor, holds) in anchors[first..].iter_mut().take_while(|(anchor, _)| anchor.seq == frame.seq) {
            *holds = !anchor.hash.is_empty() && frame.chain.starts_with(&anchor.hash);
        }
    }

    fn seals(&mut self, segment: &Segment, offset: u64, frame: &Frame, bytes: &[u8]) {
        let (seq, ring) = (frame.seq, self.keys.ring());
        let piece = |place: std::ops::Range<u64>| &bytes[place.start as usize..place.end as usize];
        if ring.unseal(piece(frame.head_place()), Place::Head { seq }, &frame.head_hash).is_err() {
            self.find(segment.place(offset), Some(seq), Vec::new(), "the head of the entry does not open".into());
        }
        for (row, place) in frame.places() {
            let Some(place) = place else { continue };
            let bound = Place::Change { id: row.id, version: row.version, seq };
            if ring.unseal(piece(place), bound, &row.sealed_hash).is_err() {
                self.find(segment.place(offset), Some(seq), vec![row.id], "a change does not open".into());
            }
        }
    }

    /// Brings `live` and the digest forward by one entry.
    fn take_in(&mut self, frame: &Frame) {
        self.report.entries += 1;
        for row in &frame.rows {
            let before = if frame.kind == FrameKind::Erasure {
                self.gaps.remove(&row.id);
                self.live.remove(&row.id)
            } else {
                self.report.changes += 1;
                if row.erased {
                    self.report.erased_changes += 1;
                    self.gaps.insert(row.id, frame.seq);
                }
                self.digest.add(self.keys, row.id, row.version, frame.seq, &row.sealed_hash);
                self.live.insert(row.id, (row.version, frame.seq, row.sealed_hash))
            };
            if let Some((version, seq, hash)) = before {
                self.digest.remove(self.keys, row.id, version, seq, &hash);
            }
        }
        self.seq = frame.seq;
        self.recent.push_back((frame.seq, self.digest));
    }

    fn mark(&mut self, place: String, frame: &Frame) {
        while self.recent.len() > 1 && self.recent.front().is_some_and(|(seq, _)| *seq < frame.seq) {
            self.recent.pop_front();
        }
        let known = self.recent.front().filter(|(seq, _)| *seq == frame.seq);
        if known.is_some_and(|(_, digest)| digest.to_bytes() != frame.digest) {
            let what = format!("the records noted after entry {} are not those the journal leads to", frame.seq);
            self.find(place, Some(frame.seq), Vec::new(), what);
        }
    }

    /// Compares the record store with what the journal leads to.
    pub fn records(&mut self, records: &Records) {
        let mut live = std::mem::take(&mut self.live);
        let keys = self.keys;
        let (mut count, mut wrong) = (0, Vec::new());
        let read = records.each_sealed(&mut |row| {
            count += 1;
            let place = Place::Change { id: row.id, version: row.head.version, seq: row.head.seq };
            let vouched = keys.check_sealed(row.sealed(), place, &row.head.sealed_hash).is_ok();
            let stored = (row.head.version, row.head.seq, row.head.sealed_hash);
            match live.remove(&row.id) {
                Some(known) if known == stored && vouched => {}
                Some(known) if known.0 != stored.0 => {
                    wrong.push((row.id, format!("is at version {}, not {}", stored.0, known.0)));
                }
                Some(_) => wrong.push((row.id, "has another value than in the journal".into())),
                None => wrong.push((row.id, "is there, though the journal knows no such record".into())),
            }
            true
        });
        self.report.records = count;
        for (id, what) in wrong {
            self.find("store".into(), None, vec![id], format!("record {id} {what}; {REBUILT}"));
        }
        if let Err(damage) = read {
            return self.find("store".into(), None, Vec::new(), format!("{}; {REBUILT}", damage.0));
        }
        for (id, (_, seq, _)) in live.into_iter().filter(|(id, _)| !self.gaps.contains_key(id)).collect::<Vec<_>>() {
            self.find("store".into(), Some(seq), vec![id], format!("record {id} is missing; {REBUILT}"));
        }
        if records.state().digest != self.digest {
            self.find("store".into(), None, Vec::new(), format!("its digest is not the journal's; {REBUILT}"));
        }
    }

    /// The journal must reach as far as the records made from it.
    pub fn reaches(&mut self, applied: u64) {
        if applied > self.seq {
            let what = format!("it ends at entry {}, but the records were made from {applied}", self.seq);
            self.find("journal".into(), Some(self.seq + 1), Vec::new(), what);
        }
    }

    /// Notes something found from outside the journal's frames.
    pub fn note(&mut self, place: String, what: String) {
        self.chain = None;
        self.find(place, None, Vec::new(), what);
    }

    pub fn finish(mut self) -> VerifyReport {
        let mut gaps: Vec<_> = std::mem::take(&mut self.gaps).into_iter().collect();
        gaps.sort_unstable();
        for (id, seq) in gaps {
            let what = "a value was taken out, but no erasure entry says so".to_string();
            self.find("journal".into(), Some(seq), vec![id], what);
        }
        match Checkpoint::read(self.folder, self.keys) {
            Ok(Noted::At(checkpoint)) if checkpoint.seq > self.seq => {
                let what =
                    format!("the journal ends at entry {}, before the checkpoint at {}", self.seq, checkpoint.seq);
                self.find("journal/checkpoint".into(), Some(self.seq + 1), Vec::new(), what);
            }
            Ok(Noted::At(_) | Noted::Nothing) => {}
            Ok(Noted::Damaged) => {
                let what = "it is damaged; the next checkpoint writes it anew".to_string();
                self.find("journal/checkpoint".into(), None, Vec::new(), what);
            }
            Err(error) => self.find("journal/checkpoint".into(), None, Vec::new(), error.to_string()),
        }
        self.vault();
        self.report.head_seq = self.seq;
        self.report.head_hash = self.head_chain;
        self.report
    }

    /// The data opens with the keys in memory; the next start needs the file.
    fn vault(&mut self) {
        if crate::vault::file_hash(self.folder) != *self.keys.vault_file.lock() {
            let what = "it is not the file that was opened; put it back from a copy before the next stop".to_string();
            self.find("vault.age".into(), None, Vec::new(), what);
        }
    }

    fn find(&mut self, place: String, seq: Option<u64>, ids: Vec<RecordId>, what: String) {
        if self.report.findings.len() < FINDINGS_MAX {
            self.report.findings.push(Finding { place, seq, ids, what });
        }
    }
}

const REBUILT: &str = "start kith again, it rebuilds the records from the journal";

fn ids(frame: &Frame) -> Vec<RecordId> {
    frame.rows.iter().map(|row| row.id).collect()
}

fn describe(bad: &Bad, next: Option<usize>) -> String {
    let what = match bad {
        Bad::Empty => "there is nothing where an entry should be".to_string(),
        Bad::Newer(found) => format!("it was written by a newer kith (format {found})"),
        Bad::OtherVault => "it belongs to another vault".to_string(),
        Bad::Broken(what) => (*what).to_string(),
    };
    match next {
        Some(at) => format!("{what}; the next intact entry begins at byte {at}"),
        None => format!("{what}; put this file back from a backup"),
    }
}

/// The next place in `bytes`, after its first byte, where an intact frame begins.
fn next_frame(bytes: &[u8], keys: &Keys) -> Option<usize> {
    let starts = bytes.windows(FRAME_MAGIC.len()).enumerate().skip(1).filter(|(_, window)| *window == FRAME_MAGIC);
    starts.map(|(at, _)| at).find(|at| Frame::decode(&bytes[*at..], keys).is_ok())
}
