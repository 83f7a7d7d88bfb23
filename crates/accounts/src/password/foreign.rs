//! Hashes in the forms of other systems: crypt(3) and the modular crypt format, passlib's, and `{SCHEME}` as LDAP
//! directories (RFC 2307 §5.3 and what grew from it) and Dovecot write it. All comparisons take the same time whatever
//! differs; all costs are bounded when a hash is read, since whoever guesses passwords makes us pay them.

use std::num::NonZeroU32;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{constant_time, digest, pbkdf2};
use data_encoding::{BASE64, BASE64_NOPAD, Encoding, HEXLOWER_PERMISSIVE, Specification};
use md_5::{Digest as _, Md5};
use sha_crypt::{PasswordVerifier, ShaCrypt};
use sigillo_base::said;
use yescrypt::Yescrypt;

use super::md5_crypt::{md5_crypt, written};
use super::{MAX_HASH, PasswordError};

/// Memory of argon2 and yescrypt, in KiB: what libsodium, passlib, PHP and Dovecot take.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// Passes of argon2 over that much memory, and its lanes.
const MAX_PASSES: u32 = 6;
const MAX_LANES: u32 = 8;
/// Half a second; what is made today has 10 to 12.
const BCRYPT_COST: std::ops::RangeInclusive<u32> = 4..=13;
/// passlib makes them with 656,000.
const SHA_CRYPT_ROUNDS: std::ops::RangeInclusive<u32> = 1_000..=1_000_000;
/// Bytes of a salt.
const MAX_SALT: usize = 64;
/// Fewer bytes of a digest are met by chance.
const MIN_DIGEST: usize = 16;

/// Algorithm, version, and memory in KiB, passes, lanes.
type Argon2Cost = (Algorithm, Version, (u32, u32, u32));

/// A hash, read.
pub(super) enum Foreign<'h> {
    Argon2 { cost: Argon2Cost, salt: Vec<u8>, hash: Vec<u8> },
    Bcrypt { cost: u32, salt: [u8; 16], hash: [u8; 23] },
    ShaCrypt(&'h str),
    Yescrypt { text: &'h str, memory: usize },
    Md5Crypt { magic: &'static str, salt: &'h str, hash: &'h str },
    Digest { kind: &'static Kind, salt: Vec<u8>, hash: Vec<u8> },
    Pbkdf2 { kind: &'static Pbkdf2, rounds: NonZeroU32, salt: Vec<u8>, hash: Vec<u8> },
}

/// A digest of the password, and of a salt behind it where the word has an S more.
pub(super) struct Kind {
    words: &'static [&'static str],
    salted: &'static str,
    len: usize,
    digest: fn(&[&[u8]]) -> Vec<u8>,
}

static DIGESTS: [Kind; 4] = [
    Kind { words: &["SHA", "SHA1"], salted: "SSHA", len: 20, digest: |p| aws(&digest::SHA1_FOR_LEGACY_USE_ONLY, p) },
    Kind { words: &["SHA256"], salted: "SSHA256", len: 32, digest: |p| aws(&digest::SHA256, p) },
    Kind { words: &["SHA512"], salted: "SSHA512", len: 64, digest: |p| aws(&digest::SHA512, p) },
    Kind {
        words: &["MD5", "LDAP-MD5", "PLAIN-MD5"],
        salted: "SMD5",
        len: 16,
        digest: |parts| parts.iter().fold(Md5::new(), |all, part| all.chain_update(part)).finalize().to_vec(),
    },
];

fn aws(algorithm: &'static digest::Algorithm, parts: &[&[u8]]) -> Vec<u8> {
    let mut all = digest::Context::new(algorithm);
    parts.iter().for_each(|part| all.update(part));
    all.finish().as_ref().to_vec()
}

/// PBKDF2 (RFC 8018 §5.2) over HMAC.
pub(super) struct Pbkdf2 {
    words: &'static [&'static str],
    name: &'static str,
    algorithm: fn() -> pbkdf2::Algorithm,
    len: usize,
    rounds: u32,
    limit: &'static str,
}

static PBKDF2: [Pbkdf2; 3] = [
    Pbkdf2 {
        words: &["PBKDF2", "PBKDF2-SHA1"],
        name: "PBKDF2-SHA1",
        algorithm: || pbkdf2::PBKDF2_HMAC_SHA1,
        len: 20,
        rounds: 1_500_000,
        limit: "1.500.000",
    },
    Pbkdf2 {
        words: &["PBKDF2-SHA256"],
        name: "PBKDF2-SHA256",
        algorithm: || pbkdf2::PBKDF2_HMAC_SHA256,
        len: 32,
        rounds: 1_500_000,
        limit: "1.500.000",
    },
    Pbkdf2 {
        words: &["PBKDF2-SHA512"],
        name: "PBKDF2-SHA512",
        algorithm: || pbkdf2::PBKDF2_HMAC_SHA512,
        len: 64,
        rounds: 500_000,
        limit: "500.000",
    },
];

impl<'h> Foreign<'h> {
    pub(super) fn read(text: &'h str) -> Result<Self, PasswordError> {
        if text.len() > MAX_HASH || !text.bytes().all(|b| b.is_ascii_graphic()) {
            // A password in clear may have blanks and accents: it is named as what it is.
            return Err(clear(text).unwrap_or(PasswordError::NoScheme));
        }
        match text.strip_prefix('{').and_then(|text| text.split_once('}')) {
            Some((scheme, rest)) => labelled(&scheme.to_ascii_uppercase(), rest),
            None => crypt(text),
        }
    }

    /// What made it.
    pub(super) fn scheme(&self) -> &'static str {
        match self {
            Self::Argon2 { cost: (algorithm, ..), .. } => algorithm.as_str(),
            Self::Bcrypt { .. } => "bcrypt",
            Self::ShaCrypt(text) if text.starts_with("$5$") => "SHA256-CRYPT",
            Self::ShaCrypt(_) => "SHA512-CRYPT",
            Self::Yescrypt { .. } => "yescrypt",
            Self::Md5Crypt { magic, .. } if *magic == "$1$" => "MD5-CRYPT",
            Self::Md5Crypt { .. } => "apr1",
            Self::Digest { kind, salt, .. } if salt.is_empty() => kind.words[0],
            Self::Digest { kind, .. } => kind.salted,
            Self::Pbkdf2 { kind, .. } => kind.name,
        }
    }

    /// Bytes that a check takes, where they are many.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Argon2 { cost: (_, _, (kib, ..)), .. } => *kib as usize * 1024,
            Self::Yescrypt { memory, .. } => *memory,
            _ => 0,
        }
    }

    /// Whether it was made of this password, of 1 to 1024 bytes.
    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let same = |a: &[u8], b: &[u8]| constant_time::verify_slices_are_equal(a, b).is_ok();
        match self {
            Self::Argon2 { cost, salt, hash } => {
                let mut out = vec![0; hash.len()];
                argon2(*cost, password, salt, &mut out).is_some() && same(&out, hash)
            }
            // A C string ends at a zero, and HMAC takes zeros for none: no password that was hashed elsewhere has one.
            _ if password.contains(&0) => false,
            Self::Bcrypt { cost, salt, hash } => {
                // With the zero at its end, and no more than 72 bytes: so it is defined.
                let text: Vec<u8> = password.iter().copied().chain([0]).take(72).collect();
                same(&bcrypt::bcrypt(*cost, *salt, &text)[..23], hash)
            }
            Self::ShaCrypt(text) => ShaCrypt::default().verify_password(password, *text).is_ok(),
            Self::Yescrypt { text, .. } => Yescrypt::default().verify_password(password, *text).is_ok(),
            Self::Md5Crypt { magic, salt, hash } => {
                same(written(&md5_crypt(password, magic, salt.as_bytes())).as_bytes(), hash.as_bytes())
            }
            Self::Digest { kind, salt, hash } => same(&(kind.digest)(&[password, salt]), hash),
            Self::Pbkdf2 { kind, rounds, salt, hash } => {
                pbkdf2::verify((kind.algorithm)(), *rounds, salt, password, hash).is_ok()
            }
        }
    }
}

/// Argon2 into `out`; `None` where its costs are none.
pub(super) fn argon2(
    (algorithm, version, (m, t, p)): Argon2Cost,
    password: &[u8],
    salt: &[u8],
    out: &mut [u8],
) -> Option<()> {
    let params = Params::new(m, t, p, Some(out.len())).ok()?;
    Argon2::new(algorithm, version, params).hash_password_into(password, salt, out).ok()
}

/// The error for a password in clear.
fn clear(text: &str) -> Option<PasswordError> {
    let scheme = text.strip_prefix('{')?.split_once('}')?.0.to_ascii_uppercase();
    let is = ["PLAIN", "CLEAR", "CLEARTEXT", "PLAIN-TRUNC"].contains(&scheme.split('.').next().unwrap_or_default());
    is.then_some(PasswordError::Clear(scheme))
}

/// `{SCHEME}…`.
fn labelled<'h>(scheme: &str, rest: &'h str) -> Result<Foreign<'h>, PasswordError> {
    if let Some(clear) = clear(&format!("{{{scheme}}}")) {
        return Err(clear);
    }
    // Dovecot: how it is written stands behind a point.
    let (word, form) = match scheme.split_once('.') {
        Some((word, "HEX")) => (word, Some(HEXLOWER_PERMISSIVE)),
        Some((word, "B64" | "BASE64")) => (word, Some(BASE64)),
        Some(_) => return Err(unknown(scheme)),
        None => (scheme, None),
    };
    if word == "CRYPT"
        || word.ends_with("-CRYPT")
        || rest.starts_with('$') && ["MD5", "ARGON2I", "ARGON2ID"].contains(&word)
    {
        return if form.is_none() && word != "DES-CRYPT" { crypt(rest) } else { Err(unknown(scheme)) };
    }
    if let Some(kind) = PBKDF2.iter().find(|kind| kind.words.contains(&word) && form.is_none()) {
        return kind.read(rest);
    }
    let found = DIGESTS.iter().find(|kind| kind.salted == word || kind.words.contains(&word));
    let kind = found.ok_or_else(|| unknown(scheme))?;
    let (salted, name) = if kind.salted == word { (true, kind.salted) } else { (false, kind.words[0]) };
    let hex = !salted && rest.len() == kind.len * 2;
    let form = form.unwrap_or(if hex { HEXLOWER_PERMISSIVE } else { BASE64 });
    let mut hash = decoded(&form, rest).ok_or(PasswordError::Format(name))?;
    let salt = if hash.len() < kind.len { Vec::new() } else { hash.split_off(kind.len) };
    let fine = hash.len() == kind.len && salt.is_empty() != salted && salt.len() <= MAX_SALT;
    if fine { Ok(Foreign::Digest { kind, salt, hash }) } else { Err(PasswordError::Format(name)) }
}

/// Base64 with its padding or without.
fn decoded(form: &Encoding, text: &str) -> Option<Vec<u8>> {
    let unpadded = *form == BASE64 && !text.ends_with('=');
    let form = if unpadded { BASE64_NOPAD } else { form.clone() };
    form.decode(text.as_bytes()).ok()
}

fn unknown(scheme: &str) -> PasswordError {
    PasswordError::Unknown(scheme.chars().take(32).collect())
}

/// `$scheme$…`.
fn crypt(text: &str) -> Result<Foreign<'_>, PasswordError> {
    let Some((id, rest)) = text.strip_prefix('$').and_then(|text| text.split_once('$')) else {
        let des = text.len() == 13 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b));
        return Err(if des { unknown("DES-CRYPT") } else { PasswordError::NoScheme });
    };
    match id {
        "argon2i" => read_argon2(Algorithm::Argon2i, rest),
        "argon2id" => read_argon2(Algorithm::Argon2id, rest),
        "2a" | "2b" | "2y" => read_bcrypt(rest),
        "5" => read_sha_crypt("SHA256-CRYPT", text, rest, 43),
        "6" => read_sha_crypt("SHA512-CRYPT", text, rest, 86),
        "1" => read_md5_crypt("$1$", "MD5-CRYPT", rest),
        "apr1" => read_md5_crypt("$apr1$", "apr1", rest),
        "y" => read_yescrypt(text, rest),
        _ => match PBKDF2.iter().find(|kind| kind.words.iter().any(|word| word.eq_ignore_ascii_case(id))) {
            Some(kind) => kind.read(rest),
            None => Err(unknown(id)),
        },
    }
}

/// `[v=19$]m=…,t=…,p=…$salt$hash`; without a version it is 16.
fn read_argon2(algorithm: Algorithm, rest: &str) -> Result<Foreign<'_>, PasswordError> {
    let name = algorithm.as_str();
    let read = || {
        let (version, rest) = match rest.split_once('$')? {
            ("v=19", rest) => (Version::V0x13, rest),
            ("v=16", rest) => (Version::V0x10, rest),
            _ => (Version::V0x10, rest),
        };
        let mut parts = rest.split('$');
        let (costs, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let mut numbers = costs.split(',');
        let mut number = |prefix: &str| self::number(numbers.next()?.strip_prefix(prefix)?);
        let cost = (number("m=")?, number("t=")?, number("p=")?);
        let (salt, hash) = (BASE64_NOPAD.decode(salt.as_bytes()).ok()?, BASE64_NOPAD.decode(hash.as_bytes()).ok()?);
        let whole = parts.next().is_none() && numbers.next().is_none();
        let fine = (8..=MAX_SALT).contains(&salt.len()) && (MIN_DIGEST..=64).contains(&hash.len());
        let fine = fine && Params::new(cost.0, cost.1, cost.2, Some(hash.len())).is_ok();
        (whole && fine).then_some((version, cost, salt, hash))
    };
    let (version, cost @ (m, t, p), salt, hash) = read().ok_or(PasswordError::Format(name))?;
    if m > MAX_MEMORY_KIB || m.saturating_mul(t) > MAX_MEMORY_KIB * MAX_PASSES || p > MAX_LANES {
        return Err(PasswordError::Cost(
            name,
            said!("m=65536, 6 passate su tanta memoria, p=8", "m=65536, 6 passes over so much memory, p=8"),
        ));
    }
    Ok(Foreign::Argon2 { cost: (algorithm, version, cost), salt, hash })
}

/// `10$`, 22 characters of salt, 31 of hash.
fn read_bcrypt(rest: &str) -> Result<Foreign<'_>, PasswordError> {
    const NAME: &str = "bcrypt";
    let read = || {
        let (cost, rest) = rest.split_once('$')?;
        let cost = number(cost).filter(|_| cost.len() == 2)?;
        let (salt, hash) = rest.split_at_checked(22)?;
        let mut form = Specification::new();
        form.symbols.push_str("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789");
        // Some wrote salts whose last bits are not zero: crypt(3) takes no notice of them.
        form.check_trailing_bits = false;
        let form = form.encoding().ok()?;
        let (salt, hash) = (form.decode(salt.as_bytes()).ok()?, form.decode(hash.as_bytes()).ok()?);
        Some((cost, salt.try_into().ok()?, hash.try_into().ok()?))
    };
    let (cost, salt, hash) = read().ok_or(PasswordError::Format(NAME))?;
    if !BCRYPT_COST.contains(&cost) {
        return Err(PasswordError::Cost(NAME, said!("13, e almeno 4", "13, and at least 4")));
    }
    Ok(Foreign::Bcrypt { cost, salt, hash })
}

/// `[rounds=5000$]salt$hash`.
fn read_sha_crypt<'h>(name: &'static str, text: &'h str, rest: &str, len: usize) -> Result<Foreign<'h>, PasswordError> {
    let format = || PasswordError::Format(name);
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => rest.split_once('$').ok_or_else(format)?,
        None => ("5000", rest),
    };
    let (salt, hash) = rest.split_once('$').ok_or_else(format)?;
    let rounds = number(rounds).ok_or_else(format)?;
    if !SHA_CRYPT_ROUNDS.contains(&rounds) {
        return Err(PasswordError::Cost(
            name,
            said!("rounds=1000000, e almeno 1000", "rounds=1000000, and at least 1000"),
        ));
    }
    if is_crypt(salt) && salt.len() <= 16 && is_crypt(hash) && hash.len() == len {
        Ok(Foreign::ShaCrypt(text))
    } else {
        Err(format())
    }
}

/// `salt$hash`.
fn read_md5_crypt<'h>(magic: &'static str, name: &'static str, rest: &'h str) -> Result<Foreign<'h>, PasswordError> {
    match rest.split_once('$') {
        Some((salt, hash)) if salt.len() <= 8 && is_crypt(salt) && hash.len() == 22 && is_crypt(hash) => {
            Ok(Foreign::Md5Crypt { magic, salt, hash })
        }
        _ => Err(PasswordError::Format(name)),
    }
}

/// `j9T$salt$hash`: the flavour, two numbers that say how much memory, and none of the rarer parameters.
fn read_yescrypt<'h>(text: &'h str, rest: &str) -> Result<Foreign<'h>, PasswordError> {
    const NAME: &str = "yescrypt";
    let read = || {
        let mut parts = rest.split('$');
        let (params, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
        let fine = parts.next().is_none() && params.len() == 3 && params.starts_with('j');
        let fine = fine && (1..=86).contains(&salt.len()) && is_crypt(salt) && hash.len() == 43 && is_crypt(hash);
        fine.then(|| params.parse::<yescrypt::Params>().ok())?
    };
    let params = read().ok_or(PasswordError::Format(NAME))?;
    let memory = params.n().saturating_mul(u64::from(params.r())).saturating_mul(128);
    match usize::try_from(memory) {
        Ok(memory) if memory <= MAX_MEMORY_KIB as usize * 1024 => Ok(Foreign::Yescrypt { text, memory }),
        _ => Err(PasswordError::Cost(NAME, said!("64 MiB di memoria", "64 MiB of memory"))),
    }
}

/// A number of digits alone.
fn number(text: &str) -> Option<u32> {
    text.parse().ok().filter(|_| text.bytes().all(|b| b.is_ascii_digit()))
}

/// Characters of crypt(3).
fn is_crypt(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b"./".contains(&b))
}

impl Pbkdf2 {
    /// passlib and OpenLDAP: `rounds$salt$hash`, in base64 with a point for the plus. Dovecot: `$1$salt$rounds$hash`, the
    /// salt as it stands and the hash in hexadecimal.
    fn read(&'static self, rest: &str) -> Result<Foreign<'static>, PasswordError> {
        let read = || {
            let parts: Vec<&str> = rest.split('$').collect();
            let base64 = |text: &str| BASE64_NOPAD.decode(text.replace('.', "+").as_bytes()).ok();
            Some(match parts[..] {
                ["", "1", salt, rounds, hash] => {
                    (rounds, salt.as_bytes().to_vec(), HEXLOWER_PERMISSIVE.decode(hash.as_bytes()).ok()?)
                }
                [rounds, salt, hash] => (rounds, base64(salt)?, base64(hash)?),
                _ => return None,
            })
        };
        let format = || PasswordError::Format(self.name);
        let (rounds, salt, hash) = read().ok_or_else(format)?;
        let rounds = number(rounds).and_then(NonZeroU32::new).ok_or_else(format)?;
        if rounds.get() > self.rounds {
            let most = said!("{} iterazioni", "{} iterations", self.limit);
            return Err(PasswordError::Cost(self.name, most));
        }
        // A longer hash costs every round once more for each digest's length; a shorter one is the beginning of many.
        let fine = (1..=MAX_SALT).contains(&salt.len()) && hash.len() == self.len;
        if fine { Ok(Foreign::Pbkdf2 { kind: self, rounds, salt, hash }) } else { Err(format()) }
    }
}
