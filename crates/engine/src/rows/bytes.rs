//! Fields of bytes, written and read in one piece. To the byte what a sequence of octets is in postcard, which would be
//! walked octet by octet.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes by themselves.
#[derive(Serialize, Deserialize)]
pub(crate) struct Bytes(#[serde(with = "crate::rows::bytes")] pub Vec<u8>);

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_bytes(bytes)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = Vec<u8>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes")
        }

        fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
            Ok(bytes.to_vec())
        }
    }

    deserializer.deserialize_byte_buf(Whole)
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use crate::rows::{decode, encode};

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Whole(#[serde(with = "super")] Vec<u8>, u8);

    #[test]
    fn bytes_are_written_as_a_sequence_of_octets_is() {
        for len in [0, 1, 127, 128, 70_000] {
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            let plain = encode(&(&bytes, 7u8));
            assert_eq!(encode(&Whole(bytes.clone(), 7)), plain);
            assert_eq!(decode::<Whole>(b"key", &plain), Ok(Whole(bytes, 7)));
        }
    }
}
