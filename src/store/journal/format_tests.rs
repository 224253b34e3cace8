//! Frames and headers come back as they were written, and no changed byte goes unnoticed.

use super::*;
use crate::seal::{Nonces, Place, tests::keys};

fn sample(keys: &Keys) -> (Frame, Vec<u8>) {
    let mut nonces = Nonces::new(3).unwrap();
    let ring = keys.ring();
    let head = ring.seal(b"who", Place::Head { seq: 5 }, &mut nonces).unwrap();
    let id = |n| RecordId([n; 16]);
    let sealed: Vec<Sealed> = (1..3u8)
        .map(|n| {
            let place = Place::Change { id: id(n), version: 2, seq: 5 };
            ring.seal(&[n; 40], place, &mut nonces).unwrap()
        })
        .collect();
    let rows = sealed.iter().zip(1..).map(|(sealed, n)| Row {
        id: id(n),
        version: 2,
        prev_seq: 4,
        len: sealed.0.len() as u32,
        erased: false,
        sealed_hash: keys.sealed_hash(&sealed.0),
    });
    let mut frame = entry_frame(FrameKind::Change, 5, 1_700, &head, rows.collect(), keys);
    frame.durable = 4096;
    frame.chain = frame.chain_after(&[8; 32], keys);
    let mut out = Vec::new();
    frame.encode(&head.0, sealed.iter().map(|s| &*s.0), keys, &mut out);
    assert_eq!(out.len() as u64, frame.encoded_bytes());
    (frame, out)
}

#[test]
fn a_frame_comes_back_as_it_was_written() {
    let keys = keys();
    let (frame, bytes) = sample(&keys);
    let back = Frame::decode(&bytes, &keys).unwrap();
    back.check_data(&bytes, &keys).unwrap();
    assert_eq!((back.rows.clone(), back.chain, back.durable), (frame.rows, frame.chain, 4096));
    assert_eq!(back.chain_after(&[8; 32], &keys), back.chain);
    let place = back.places().last().unwrap().1.unwrap();
    let place_of = Place::Change { id: RecordId([2; 16]), version: 2, seq: 5 };
    let sealed = &bytes[place.start as usize..place.end as usize];
    assert_eq!(keys.ring().unseal(sealed, place_of, &[0; 32]).unwrap(), [2; 40]);
}

#[test]
fn no_flipped_bit_and_no_cut_of_a_frame_goes_unnoticed() {
    let keys = keys();
    let (_, bytes) = sample(&keys);
    let holds = |bytes: &[u8]| Frame::decode(bytes, &keys).and_then(|frame| frame.check_data(bytes, &keys)).is_ok();
    for bit in 0..bytes.len() * 8 {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        assert!(!holds(&changed), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(!holds(&bytes[..length]), "length {length}");
    }
}

#[test]
fn taking_a_value_out_leaves_the_chain_hash() {
    let keys = keys();
    let (mut frame, bytes) = sample(&keys);
    frame = Frame { data_at: Frame::decode(&bytes, &keys).unwrap().data_at, ..frame };
    let kept = frame.places().nth(1).unwrap().1.unwrap();
    frame.rows[0].erased = true;
    let mut shorter = Vec::new();
    let head = frame.head_place();
    let piece = |place: std::ops::Range<u64>| &bytes[place.start as usize..place.end as usize];
    frame.encode(piece(head), std::iter::once(piece(kept)), &keys, &mut shorter);
    let back = Frame::decode(&shorter, &keys).unwrap();
    back.check_data(&shorter, &keys).unwrap();
    assert_eq!(back.chain_after(&[8; 32], &keys), back.chain);
    assert!(shorter.len() < bytes.len());
}

#[test]
fn headers_of_a_newer_format_or_another_vault_are_named() {
    let keys = keys();
    let header = SegmentHeader { first_seq: 17, chain: [5; 32] };
    let bytes = header.encode(&keys);
    assert_eq!(SegmentHeader::decode(&bytes, &keys), Ok(header));
    let mut newer = bytes.clone();
    newer[7] = 2;
    assert_eq!(SegmentHeader::decode(&newer, &keys), Err(Bad::Newer(2)));
    let other = Keys::new([1; 16], [77; 32], [4; 32], crate::seal::tests::ring(&[1, 2]));
    assert_eq!(SegmentHeader::decode(&bytes, &other), Err(Bad::OtherVault));
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 0x20;
        assert!(SegmentHeader::decode(&changed, &keys).is_err(), "byte {at}");
    }
    let (_, mut frame) = sample(&keys);
    frame[3] = 9;
    assert_eq!(Frame::decode(&frame, &keys), Err(Bad::Newer(9)));
}

proptest::proptest! {
    #[test]
    fn bytes_that_are_no_frame_are_refused_without_a_panic(
        mut bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..400),
        begins_like_one in proptest::bool::ANY,
    ) {
        let keys = keys();
        if begins_like_one && bytes.len() > 16 {
            bytes[..4].copy_from_slice(&FRAME_MAGIC);
            bytes[4] = bytes[4] % 3 + 1;
            (bytes[10], bytes[11]) = (0, 0);
        }
        proptest::prop_assert!(Frame::decode(&bytes, &keys).is_err());
        // The meta of a frame whose checksum holds, but which no kith wrote.
        let mut frame = mark_frame(1, 1, [0; 32]);
        let _ = frame.fill_mark(&bytes);
        let _ = frame.fill_entry(&bytes);
        let _ = SegmentHeader::decode(&bytes, &keys);
        let _ = keys.ring().unseal(&bytes, Place::Cursors, &[0; 32]);
    }
}
