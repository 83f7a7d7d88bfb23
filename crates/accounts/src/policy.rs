//! What a password must be before it is taken, and how long it is good (PWD-02).
//!
//! Length is what counts; beside it only those are refused that are tried first by whoever guesses: what the address says,
//! the commonest words whatever stands around them, one key again and again, a row of the keyboard. Rules about kinds of
//! characters are not here: they make passwords that are written down (NIST SP 800-63B §5.1.1.2).

use sigillo_base::{Address, Said, Secret, Tell, said, told};

/// What a provider asks of the passwords that its users choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// Characters, at least.
    pub min_length: usize,
    /// How many of the last passwords of a credential are not taken again, its present one counted; 0: none.
    pub history: usize,
    /// A password that its user chose is to be changed after so many days; `None`: never.
    pub max_age_days: Option<u32>,
    /// Whether a person who was given a password by somebody else changes it before he comes in.
    pub first_change: bool,
}

impl PasswordPolicy {
    /// Of any length and for ever.
    pub const NONE: Self = Self { min_length: 1, history: 0, max_age_days: None, first_change: false };

    /// Refuses a password that is too easy for the mailbox of this address.
    ///
    /// # Errors
    /// [`Unfit`], which shows nothing of it.
    pub fn check(&self, password: &Secret, address: &Address) -> Result<(), Unfit> {
        let text = password.expose();
        if text.chars().count() < self.min_length {
            return Err(Unfit::Short(self.min_length));
        }
        // Terminals, files and forms take these for something else.
        if text.chars().any(char::is_control) {
            return Err(Unfit::Control);
        }
        let folded = fold(text);
        if names(address).any(|name| folded.contains(&name)) {
            return Err(Unfit::Address);
        }
        if is_row(text) || COMMON.lines().any(|word| word == folded) {
            return Err(Unfit::Common);
        }
        Ok(())
    }
}

/// Why a password is not taken. None of them shows a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unfit {
    /// Too short.
    Short(usize),
    /// A control character.
    Control,
    /// Not every program can say it: SASLprep (RFC 4013) forbids it.
    Unsayable,
    /// What everybody knows of its user.
    Address,
    /// Among the first that anybody tries.
    Common,
    /// It was the user's before.
    Former(usize),
}

impl Tell for Unfit {
    fn said(&self) -> Said {
        match self {
            Self::Short(least) => said!(
                "la password è troppo corta: servono almeno {least} caratteri",
                "the password is too short: at least {least} characters are needed"
            ),
            Self::Control => {
                said!("la password contiene un carattere di controllo", "the password has a control character in it")
            }
            Self::Unsayable => said!(
                "la password contiene caratteri che non tutti i programmi di posta sanno inviare",
                "the password has characters in it that not every mail program can send"
            ),
            Self::Address => said!(
                "la password contiene l'indirizzo della casella o una sua parte",
                "the password has the address of the mailbox in it, or a part of that"
            ),
            Self::Common => said!(
                "la password è fra le più comuni: se ne scelga un'altra, per esempio tre o quattro parole a caso",
                "the password is among the most common: choose another one, such as three or four words at random"
            ),
            Self::Former(last) => said!(
                "la password è già stata usata: non si riprende una delle ultime {last}",
                "the password was used before: none of the last {last} is taken again"
            ),
        }
    }
}

told!(Unfit);

/// Words in one spelling, a line each.
const COMMON: &str = include_str!("policy/common.txt");
/// A part of an address that says nothing when it is shorter.
const TELLING: usize = 4;
/// With fewer different characters it is a pattern.
const FEW: usize = 4;

/// A word without what people put around it, and in place of its letters.
fn fold(text: &str) -> String {
    let lower = text.to_lowercase();
    // What stands in front or behind goes before digits are read as letters: «password2026!».
    let bare = lower.trim_matches(|c: char| !c.is_alphabetic() && !"@$".contains(c));
    let read = |c: char| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    bare.chars().map(read).filter(|c| c.is_alphabetic()).collect()
}

/// What the address says: what stands before the `@`, whole and in its parts, and the first name of the domain.
fn names(address: &Address) -> impl Iterator<Item = String> {
    let key = address.key();
    let (local, domain) = key.rsplit_once('@').unwrap_or((&key, ""));
    let host = domain.split('.').find(|part| *part != "pec").unwrap_or_default();
    let parts = local.split(['.', '-', '_']).chain([local, host]);
    parts.map(fold).filter(|part| part.chars().count() >= TELLING).collect::<Vec<_>>().into_iter()
}

/// Whether it is one pattern: few characters again and again, or each the next of the one before.
fn is_row(text: &str) -> bool {
    let codes: Vec<u32> = text.to_lowercase().chars().map(u32::from).collect();
    let mut seen = codes.clone();
    seen.sort_unstable();
    seen.dedup();
    let step = |by: i64| codes.windows(2).all(|pair| i64::from(pair[1]) - i64::from(pair[0]) == by);
    let digits = codes.iter().all(|c| (48..58).contains(c));
    // «1234567890» ends where it began.
    let counted = digits && codes.windows(2).all(|pair| (pair[0] - 48 + 1) % 10 == pair[1] - 48);
    seen.len() < FEW || step(1) || step(-1) || counted
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: PasswordPolicy = PasswordPolicy { min_length: 8, ..PasswordPolicy::NONE };

    fn check(text: &str) -> Result<(), Unfit> {
        let address = Address::parse("anna.bianchi@pec.comune-alfa.example").unwrap();
        POLICY.check(&Secret::new(text.to_owned()), &address)
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        assert_eq!(check("corta"), Err(Unfit::Short(8)));
        assert_eq!(check("però più"), Ok(()), "characters are counted, not octets");
        assert_eq!(check("una\tfrase lunga"), Err(Unfit::Control));
        for name in ["Bianchi2026", "xx-B1anch1-xx", "comune-alfa", "ANNABIANCHI1", "Comune.Alfa.7"] {
            assert_eq!(check(name), Err(Unfit::Address), "{name}");
        }
        for common in [
            "password",
            "Password1!",
            "P@ssw0rd2026",
            "!!Benvenuto99",
            "12345678",
            "1234567890",
            "87654321",
            "abcdefghi",
        ] {
            assert_eq!(check(common), Err(Unfit::Common), "{common}");
        }
        for pattern in ["aaaaaaaa", "12121212", "qwertyuiop", "abcabcabc"] {
            assert_eq!(check(pattern), Err(Unfit::Common), "{pattern}");
        }
    }

    #[test]
    fn what_is_long_and_says_nothing_is_taken() {
        for fine in ["tre gatti sul tetto", "k7#mZq2!", "lunedì mattina presto", "correct horse battery", "20480211zx"]
        {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
        let short = Address::parse("pa@x.example").unwrap();
        assert_eq!(POLICY.check(&Secret::new("parapiglia".into()), &short), Ok(()), "two letters say nothing");
    }

    #[test]
    fn the_list_is_in_the_spelling_it_is_compared_in() {
        assert!(COMMON.lines().all(|word| fold(word) == word && !word.is_empty()));
    }
}
