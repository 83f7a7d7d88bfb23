//! Telephone numbers that receive short messages (ITU-T E.164).

use std::fmt;
use std::str::FromStr;

use crate::{Said, Tell, said, told};

/// Why a text is not such a number. The text is what a person should read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PhoneError {
    /// Something else than digits and what stands between them.
    Digits,
    /// Neither a prefix nor an Italian mobile.
    Prefix,
    /// Fewer than 8 digits, more than 15, or a country's code that begins with 0.
    Length,
    /// An Italian number that receives no short messages.
    Landline,
}

impl Tell for PhoneError {
    fn said(&self) -> Said {
        match self {
            Self::Digits => {
                said!(
                    "un numero di telefono ha solo cifre, con «+» davanti",
                    "a telephone number has digits alone, behind a +"
                )
            }
            Self::Prefix => said!(
                "manca il prefisso internazionale (+39…): senza, si intende un cellulare italiano di 9 o 10 cifre che comincia con 3",
                "the international prefix (+39…) is missing: without it an Italian mobile of 9 or 10 digits from 3 on is meant"
            ),
            Self::Length => said!(
                "un numero internazionale ha da 8 a 15 cifre dopo il «+» e non comincia con 0",
                "an international number has 8 to 15 digits behind the +, and does not begin with 0"
            ),
            Self::Landline => said!(
                "un numero italiano che riceve SMS comincia con +39 3",
                "an Italian number that receives text messages begins with +39 3"
            ),
        }
    }
}

told!(PhoneError);

/// A telephone number in the form of E.164: `+` and 8 to 15 digits, the country's code first.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phone(String);

/// Characters of a number as people write it.
const MOST: usize = 40;

impl Phone {
    /// Reads a number as people write it: blanks, dots, hyphens, slashes and brackets are passed over, `00` stands for `+`.
    /// Without either it is an Italian mobile, nine or ten digits from 3 on: what a clerk in an office writes down.
    ///
    /// # Errors
    /// [`PhoneError`] when it is not a number that can receive a short message.
    pub fn parse(text: &str) -> Result<Self, PhoneError> {
        if text.len() > MOST {
            return Err(PhoneError::Length);
        }
        let bare: String = text.chars().filter(|c| !matches!(c, ' ' | '.' | '-' | '/' | '(' | ')')).collect();
        let (international, digits) = match bare.strip_prefix('+').or_else(|| bare.strip_prefix("00")) {
            Some(digits) => (true, digits),
            None => (false, bare.as_str()),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PhoneError::Digits);
        }
        let digits = match international {
            true => digits.to_owned(),
            false if digits.starts_with('3') && (9..=10).contains(&digits.len()) => format!("39{digits}"),
            false => return Err(PhoneError::Prefix),
        };
        if !(8..=15).contains(&digits.len()) || digits.starts_with('0') {
            return Err(PhoneError::Length);
        }
        if digits.strip_prefix("39").is_some_and(|national| !national.starts_with('3')) {
            return Err(PhoneError::Landline);
        }
        Ok(Self(format!("+{digits}")))
    }

    /// The number: `+393331234567`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// So much of it as recognises it for who knows it: `+39…567`. For logs.
    pub fn masked(&self) -> String {
        format!("{}…{}", &self.0[..3], &self.0[self.0.len() - 3..])
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.masked())
    }
}

impl FromStr for Phone {
    type Err = PhoneError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_number_is_read_as_people_write_it() {
        for (text, number) in [
            ("+39 333 1234567", "+393331234567"),
            ("333-123.4567", "+393331234567"),
            ("335 123456", "+39335123456"),
            ("0039 (333) 123/4567", "+393331234567"),
            ("+41 79 123 45 67", "+41791234567"),
        ] {
            assert_eq!(Phone::parse(text).map(|p| p.to_string()), Ok(number.to_owned()), "{text}");
        }
    }

    #[test]
    fn what_receives_no_short_message_is_refused() {
        for (text, why) in [
            ("", PhoneError::Digits),
            ("+", PhoneError::Digits),
            ("+39333x", PhoneError::Digits),
            ("+39333123\r\nX: y", PhoneError::Digits),
            ("++393331234567", PhoneError::Digits),
            ("٣٣٣١٢٣٤٥٦٧", PhoneError::Digits),
            ("06 1234567", PhoneError::Prefix),
            ("393331234567", PhoneError::Prefix),
            ("+39 06 1234567", PhoneError::Landline),
            ("+0391234567", PhoneError::Length),
            ("+1234567", PhoneError::Length),
            ("+1234567890123456", PhoneError::Length),
        ] {
            assert_eq!(Phone::parse(text), Err(why), "{text:?}");
        }
        assert_eq!(Phone::parse(&" ".repeat(50)), Err(PhoneError::Length));
    }

    #[test]
    fn a_log_shows_no_whole_number() {
        assert_eq!(format!("{:?}", Phone::parse("+393331234567").unwrap()), "+39…567");
    }

    proptest! {
        #[test]
        fn never_panics_and_what_is_read_is_read_again(text in "[ +0-9a(.-]{0,50}") {
            if let Ok(phone) = Phone::parse(&text) {
                prop_assert_eq!(Phone::parse(phone.as_str()).unwrap(), phone.clone());
                prop_assert!(phone.masked().starts_with('+'));
            }
        }
    }
}
