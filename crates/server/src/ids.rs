//! Fresh identifiers and passwords out of the system's randomness.

use sigillo_base::{IdSource, Secret};

/// Identifiers of 128 random bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct RandomIds;

impl IdSource for RandomIds {
    fn next_id(&self) -> u128 {
        u128::from_be_bytes(random())
    }
}

/// Random bytes. Ends the program when the system has none: an identifier or a key out of nothing would be worse.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    #[allow(clippy::expect_used, reason = "aws-lc reseeds from getrandom(2), which does not fail after boot")]
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random source answers");
    bytes
}

/// A password of 100 random bits, in letters and digits that read well.
pub fn random_password() -> Secret {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let text = random::<20>().iter().map(|b| ALPHABET[usize::from(b & 31)] as char).collect();
    Secret::new(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_twice() {
        let mut seen: Vec<_> = (0..1000).map(|_| RandomIds.next_id()).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 1000);
        assert_ne!(random_password().expose(), random_password().expose());
        assert_eq!(random_password().expose().len(), 20);
    }
}
