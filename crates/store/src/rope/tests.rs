use proptest::prelude::*;

use super::*;
use crate::{MemoryStore, transact};

fn segment() -> impl Strategy<Value = Segment> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40).prop_map(Segment::Inline),
        (any::<[u8; 32]>(), any::<u32>(), any::<u64>()).prop_map(|(id, from, len)| Segment::Body {
            id: BodyId(id),
            from: from.into(),
            len: len >> 1
        }),
    ]
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(segments in prop::collection::vec(segment(), 0..6), tail in any::<[u8; 3]>()) {
        let rope = Rope { segments };
        let mut bytes = rope.encode().unwrap();
        prop_assert_eq!(Rope::decode(&bytes), Ok(rope.clone()));
        bytes.extend_from_slice(&tail);
        prop_assert_eq!(Rope::decode_prefix(&bytes), Ok((rope, &tail[..])));
        prop_assert!(Rope::decode(&bytes).is_err());
    }

    #[test]
    fn decoding_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..80), right_version in any::<bool>()) {
        if right_version && let Some(first) = bytes.first_mut() {
            *first = VERSION;
        }
        if let Ok(rope) = Rope::decode(&bytes) {
            prop_assert_eq!(Rope::decode(&rope.encode().unwrap()), Ok(rope));
        }
    }

    #[test]
    fn every_slice_reads_as_the_bytes_do(
        pieces in prop::collection::vec((any::<bool>(), prop::collection::vec(any::<u8>(), 0..50)), 0..6),
        from in 0u64..300, len in 0u64..300,
    ) {
        let store = MemoryStore::new();
        let mut rope = Rope::new();
        let mut plain = Vec::new();
        for (stored, bytes) in &pieces {
            plain.extend_from_slice(bytes);
            if *stored {
                let id = transact(&store, 1, |tx| body::put(&store, tx, bytes)).unwrap();
                rope.append(&Rope::of_body(id, bytes.len() as u64));
            } else {
                rope.push(bytes);
            }
        }
        prop_assert_eq!(rope.len(), plain.len() as u64);
        prop_assert_eq!(&rope.read_all(&store).unwrap(), &plain);
        let wanted: Vec<u8> = plain.into_iter().skip(from as usize).take(len as usize).collect();
        prop_assert_eq!(rope.read(&store, from, len).unwrap(), wanted);
    }
}

#[test]
fn neighbours_join() {
    let (a, b) = (BodyId([1; 32]), BodyId([2; 32]));
    let mut rope = Rope::new();
    rope.push(b"x");
    rope.push(b"");
    rope.push(b"y");
    rope.push_body(a, 0, 5);
    rope.push_body(a, 5, 5);
    rope.push_body(a, 11, 1);
    rope.push_body(b, 0, 0);
    assert_eq!(rope.segments.len(), 3);
    assert_eq!((rope.len(), rope.inline_len()), (13, 2));
    assert_eq!(rope.bodies(), [a]);
    assert_eq!(rope.slice(1, 6).segments, [Segment::Inline(b"y".to_vec()), Segment::Body { id: a, from: 0, len: 5 }]);
}

#[test]
fn a_long_rope_is_spilled_and_keeps_its_bytes() {
    let store = MemoryStore::new();
    let long = vec![b'l'; 80_000];
    let mut rope = Rope::new();
    rope.push(b"head");
    rope.push_body(BodyId::of(b""), 0, 0);
    rope.push(&long);
    assert!(matches!(rope.encode(), Err(Error::TooLarge { what: "rope", .. })));
    let spilled = transact(&store, 1, |tx| {
        let mut spilled = rope.clone();
        spilled.spill(tx, 1000)?;
        Ok::<_, Error>(spilled)
    })
    .unwrap();
    assert!(spilled.encode().unwrap().len() < 100);
    assert_eq!(spilled.read_all(&store).unwrap(), rope.read_all(&store).unwrap());
}
