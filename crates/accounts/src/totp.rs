//! One-time codes of an authenticator (RFC 6238): HMAC-SHA-1, six digits, thirty seconds, which is what every program on a
//! telephone reckons by.

use std::fmt;

use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use data_encoding::BASE32_NOPAD;
use sigillo_base::{Secret, Timestamp};

/// Octets of a seed: as many as SHA-1 gives (RFC 4226 §4, R6).
pub const SEED: usize = 20;
/// Milliseconds of a step.
const STEP_MS: i64 = 30_000;
/// Digits of a code.
const DIGITS: usize = 6;
/// A telephone's clock may be so many steps off.
const DRIFT: u64 = 1;

/// What an authenticator and the provider share.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed([u8; SEED]);

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

impl Seed {
    /// Takes fresh random bytes.
    pub const fn new(bytes: [u8; SEED]) -> Self {
        Self(bytes)
    }

    /// Its bytes. Callers say by this name that they handle a secret.
    pub const fn expose(&self) -> &[u8; SEED] {
        &self.0
    }

    /// As it is typed into an authenticator: base32.
    pub fn text(&self) -> Secret {
        Secret::new(BASE32_NOPAD.encode(&self.0))
    }

    /// The same as a link that authenticators read, mostly as a picture.
    pub fn uri(&self, issuer: &str, user: &str) -> Secret {
        let (issuer, user, secret) = (escaped(issuer), escaped(user), self.text());
        Secret::new(format!("otpauth://totp/{issuer}:{user}?secret={}&issuer={issuer}", secret.expose()))
    }

    /// The code of a step.
    fn code(&self, step: u64) -> [u8; DIGITS] {
        let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0), &step.to_be_bytes());
        // RFC 4226 §5.3: the last four bits say where the number begins.
        let bytes = tag.as_ref();
        let at = usize::from(bytes.last().copied().unwrap_or_default() & 15);
        let number = bytes.iter().skip(at).take(4).fold(0_u32, |n, byte| n << 8 | u32::from(*byte)) & 0x7fff_ffff;
        let mut rest = number % 1_000_000;
        let mut code = [0; DIGITS];
        for digit in code.iter_mut().rev() {
            *digit = b'0' + u8::try_from(rest % 10).unwrap_or_default();
            rest /= 10;
        }
        code
    }

    /// The step whose code this is, one of those around now and later than `used`, so that no code is good twice. It looks
    /// at all of them whatever it finds.
    pub fn step_of(&self, code: &Secret, now: Timestamp, used: u64) -> Option<u64> {
        let said: Vec<u8> = code.expose().bytes().filter(|b| *b != b' ').collect();
        let present = u64::try_from(now.as_millis() / STEP_MS).unwrap_or_default();
        let mut found = None;
        for step in present.saturating_sub(DRIFT)..=present + DRIFT {
            let code = self.code(step);
            let differs = said.iter().zip(&code).fold(0, |d, (a, b)| d | (a ^ b));
            if said.len() == DIGITS && differs == 0 && step > used {
                found = Some(step);
            }
        }
        found
    }
}

/// RFC 3986 §2.1.
fn escaped(text: &str) -> String {
    let safe = |b: u8| b.is_ascii_alphanumeric() || b"-._@".contains(&b);
    text.bytes().map(|b| if safe(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238 appendix B, SHA-1: its codes have eight digits, of which ours are the last six.
    const VECTORS: [(i64, &str); 6] = [
        (59, "94287082"),
        (1_111_111_109, "07081804"),
        (1_111_111_111, "14050471"),
        (1_234_567_890, "89005924"),
        (2_000_000_000, "69279037"),
        (20_000_000_000, "65353130"),
    ];
    const SEED: Seed = Seed::new(*b"12345678901234567890");

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    fn said(code: &str) -> Secret {
        Secret::new(code.to_owned())
    }

    #[test]
    fn the_codes_of_the_rfc() {
        for (seconds, code) in VECTORS {
            let step = u64::try_from(seconds / 30).unwrap();
            assert_eq!(SEED.step_of(&said(&code[2..]), at(seconds), 0), Some(step), "{code}");
        }
        assert_eq!(SEED.step_of(&said("287 082"), at(59), 0), Some(1), "as people write it");
    }

    #[test]
    fn a_code_is_good_for_a_step_before_and_after_and_once() {
        let (now, code) = (1_234_567_890, said("005924"));
        for (off, good) in [(-61, false), (-30, true), (0, true), (30, true), (61, false)] {
            assert_eq!(SEED.step_of(&code, at(now + off), 0).is_some(), good, "{off}");
        }
        let step = SEED.step_of(&code, at(now), 0).unwrap();
        assert_eq!(SEED.step_of(&code, at(now), step), None, "used");
        assert_eq!(SEED.step_of(&code, at(now), step - 1), Some(step));
        for wrong in ["", "005925", "05924", "0059240", "00592x", "００５９２４"] {
            assert_eq!(SEED.step_of(&said(wrong), at(now), 0), None, "{wrong}");
        }
    }

    #[test]
    fn a_link_for_authenticators_and_nothing_for_logs() {
        let uri = SEED.uri("Esempio PEC S.p.A.", "anna@comune.example");
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let wanted = format!(
            "otpauth://totp/Esempio%20PEC%20S.p.A.:anna@comune.example?secret={secret}&issuer=Esempio%20PEC%20S.p.A."
        );
        assert_eq!(uri.expose(), wanted);
        assert!(!format!("{SEED:?} {uri:?}").contains("GEZDG"));
    }
}
