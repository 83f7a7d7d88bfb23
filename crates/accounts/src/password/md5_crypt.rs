//! MD5-crypt (Poul-Henning Kamp, 1994): `$1$` of crypt(3), `$apr1$` of htpasswd. No kept library has it alone, and old
//! mailboxes have nothing else.

use md_5::{Digest, Md5};

/// The rounds; they cannot be chosen.
const ROUNDS: usize = 1_000;

/// The digest of a password with a salt of at most 8 bytes; `magic` is `$1$` or `$apr1$`.
pub(super) fn md5_crypt(password: &[u8], magic: &str, salt: &[u8]) -> [u8; 16] {
    let alternate: [u8; 16] =
        Md5::new().chain_update(password).chain_update(salt).chain_update(password).finalize().into();
    let mut first = Md5::new().chain_update(password).chain_update(magic).chain_update(salt);
    for taken in (0..password.len()).step_by(16) {
        first.update(&alternate[..16.min(password.len() - taken)]);
    }
    let mut bits = password.len();
    while bits > 0 {
        // The original meant the digest here and has zeros: so has everybody since.
        first.update(if bits & 1 == 1 { &[0][..] } else { &password[..1] });
        bits >>= 1;
    }
    let mut digest: [u8; 16] = first.finalize().into();
    for round in 0..ROUNDS {
        let odd = round & 1 == 1;
        let mut next = Md5::new();
        next.update(if odd { password } else { &digest[..] });
        if !round.is_multiple_of(3) {
            next.update(salt);
        }
        if !round.is_multiple_of(7) {
            next.update(password);
        }
        next.update(if odd { &digest[..] } else { password });
        digest = next.finalize().into();
    }
    digest
}

/// The 22 characters that a digest is written as: groups of 24 bits, the lowest six first, in an order of its own.
pub(super) fn written(digest: &[u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const ORDER: [[usize; 3]; 5] = [[0, 6, 12], [1, 7, 13], [2, 8, 14], [3, 9, 15], [4, 10, 5]];
    let mut out = String::with_capacity(22);
    let mut put = |mut bits: u32, characters| {
        for _ in 0..characters {
            out.push(char::from(ALPHABET[(bits & 63) as usize]));
            bits >>= 6;
        }
    };
    for [a, b, c] in ORDER {
        put(u32::from(digest[a]) << 16 | u32::from(digest[b]) << 8 | u32::from(digest[c]), 4);
    }
    put(u32::from(digest[11]), 2);
    out
}
