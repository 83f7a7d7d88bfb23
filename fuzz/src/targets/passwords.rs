//! Hashes of passwords that other systems made.

use sigillo_accounts::PasswordHash;
use sigillo_base::Secret;

/// More memory than any check may take.
const MOST_MEMORY: usize = 64 << 20;

/// A hash, a line feed, a password: what is read is bounded, and checked only where that is quick.
pub fn password_hash(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let (hash, password) = text.split_once('\n').unwrap_or((text, "segreta"));
    match PasswordHash::parse(hash) {
        Ok(hash) => {
            assert!(hash.memory() <= MOST_MEMORY && hash.scheme() != "?");
            assert_eq!(PasswordHash::parse(hash.text()).as_ref(), Ok(&hash));
            if ["SSHA", "SHA", "SHA256", "SSHA256", "SHA512", "SSHA512", "MD5", "SMD5", "MD5-CRYPT"]
                .contains(&hash.scheme())
            {
                hash.verify(&Secret::new(password.to_owned()));
            }
        }
        // Nothing of it is repeated but the name of its scheme.
        Err(error) => assert!(error.to_string().len() < 400),
    }
}
