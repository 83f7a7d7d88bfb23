use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn keys_sort_as_their_parts_and_read_back(
        a in (prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff), any::<u8>()], 0..6), any::<u32>(), ".{0,4}"),
        b in (prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(0xff), any::<u8>()], 0..6), any::<u32>(), ".{0,4}"),
    ) {
        let build = |(bytes, n, text): &(Vec<u8>, u32, String)| {
            KeyBuilder::new(7).bytes(bytes).u32(*n).text(text).done()
        };
        let (ka, kb) = (build(&a), build(&b));
        prop_assert_eq!(ka.cmp(&kb), (&a.0, a.1, a.2.as_bytes()).cmp(&(&b.0, b.1, b.2.as_bytes())));
        let mut reader = KeyReader::new(&ka, 7).unwrap();
        prop_assert_eq!((reader.bytes().unwrap(), reader.u32().unwrap(), reader.text().unwrap()), a);
        prop_assert_eq!(reader.end(), Ok(()));
    }

    #[test]
    fn a_reader_never_panics(key in prop::collection::vec(any::<u8>(), 0..24)) {
        if let Ok(mut reader) = KeyReader::new(&key, key.first().copied().unwrap_or(1)) {
            while reader.clone().end().is_err() && reader.text().is_ok() && reader.u8().is_ok() {}
        }
    }

    #[test]
    fn a_prefix_range_holds_exactly_the_keys_with_the_prefix(
        prefix in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 0..4),
        key in prop::collection::vec(prop_oneof![Just(0u8), Just(0xff), any::<u8>()], 0..6),
    ) {
        let (from, to) = KeyBuilder::new(9).raw(&prefix).range();
        let key = KeyBuilder::new(9).raw(&key).done();
        prop_assert_eq!(key.starts_with(&from), from <= key && key < to);
        prop_assert!(check_range(&from, &to).unwrap());
    }
}

#[test]
fn numbers_and_ids_read_back() {
    let at = Timestamp::from_millis(1_773_306_901_000);
    let key = KeyBuilder::new(3).u8(1).u64(2).u128(3).time(at).mailbox(MailboxId(4)).msg(MsgId(5)).uid(Uid(6)).done();
    let mut r = KeyReader::new(&key, 3).unwrap();
    assert_eq!((r.u8().unwrap(), r.u64().unwrap(), r.u128().unwrap()), (1, 2, 3));
    assert_eq!((r.time().unwrap(), r.mailbox().unwrap()), (at, MailboxId(4)));
    assert_eq!((r.msg().unwrap(), r.uid().unwrap()), (MsgId(5), Uid(6)));
    assert!(matches!(r.clone().u8(), Err(Error::Corrupt { .. })));
    assert_eq!(r.end(), Ok(()));
    assert!(KeyReader::new(&key, 4).is_err() && KeyReader::new(&[], 4).is_err());
}

#[test]
fn a_range_stays_in_its_tag() {
    assert_eq!(check_range(&[1, 5], &[1, 9]), Ok(true));
    assert_eq!(check_range(&[1], &[2]), Ok(true));
    assert_eq!(check_range(&[1, 9], &[1, 5]), Ok(false));
    assert_eq!(check_range(&[1], &[1]), Ok(false));
    for (from, to) in [(&[1][..], &[2, 0][..]), (&[1], &[3]), (&[], &[3]), (&[1], &[])] {
        assert!(matches!(check_range(from, to), Err(Error::Range { .. })), "{from:?} {to:?}");
    }
    assert_eq!(successor([1, 2]), [1, 2, 0]);
}
