//! The two languages that people are told things in.

use std::str::FromStr;

/// In which language a person is told things. Italian unless asked otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// Italian.
    #[default]
    It,
    /// English.
    En,
}

impl Lang {
    /// The text in this language: both stand side by side in the source, so that neither is forgotten.
    pub fn pick<'a>(self, italian: &'a str, english: &'a str) -> &'a str {
        match self {
            Self::It => italian,
            Self::En => english,
        }
    }
}

impl FromStr for Lang {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "it" => Ok(Self::It),
            "en" => Ok(Self::En),
            _ => Err("vale it oppure en (it or en)".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_two_languages() {
        assert_eq!("en".parse::<Lang>().unwrap().pick("sì", "yes"), "yes");
        assert_eq!("it".parse::<Lang>().unwrap().pick("sì", "yes"), "sì");
        assert!("de".parse::<Lang>().is_err());
    }
}
