//! What people are told in either language.

use crate::{Lang, told};

/// A text in both languages, made by [`said!`](crate::said): both stand side by side in the source, so that neither is
/// forgotten. It has no `Display`, so that nobody puts one language into the other by mistake: [`Said::pick`] is for who is
/// told, `it` for the logs.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Said {
    /// Italian.
    pub it: String,
    /// English.
    pub en: String,
}

impl Said {
    /// What was written in both.
    pub fn new(it: impl Into<String>, en: impl Into<String>) -> Self {
        Self { it: it.into(), en: en.into() }
    }

    /// What is of no language, or of somebody else's: a name, a server's answer.
    pub fn verbatim(text: impl std::fmt::Display) -> Self {
        let it = text.to_string();
        Self { en: it.clone(), it }
    }

    /// The text in this language.
    pub fn pick(&self, lang: Lang) -> &str {
        lang.pick(&self.it, &self.en)
    }

    /// The same about something that has one name: `members: …`.
    #[must_use]
    pub fn about(self, what: impl std::fmt::Display) -> Self {
        let Self { it, en } = self;
        crate::said!("{what}: {it}", "{what}: {en}")
    }
}

/// An error that is told to people. [`told!`](crate::told) makes it an [`Error`](std::error::Error) whose `Display` is
/// Italian, as the logs are.
pub trait Tell {
    /// What it says.
    fn said(&self) -> Said;
}

impl<T: Tell> From<T> for Said {
    fn from(error: T) -> Self {
        error.said()
    }
}

/// A text that is an error by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint(pub Said);

impl Tell for Complaint {
    fn said(&self) -> Said {
        self.0.clone()
    }
}

told!(Complaint);

/// A [`Said`](crate::Said) of two format strings, Italian and English, with the same arguments:
/// `said!("la casella {address} è bloccata", "mailbox {address} is blocked")`.
#[macro_export]
macro_rules! said {
    ($it:literal, $en:literal $(, $($arg:tt)+)?) => {
        $crate::Said { it: format!($it $(, $($arg)+)?), en: format!($en $(, $($arg)+)?) }
    };
}

/// Makes an error of what [`Tell`](crate::Tell)s.
#[macro_export]
macro_rules! told {
    ($error:ty) => {
        impl std::fmt::Display for $error {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&$crate::Tell::said(self).it)
            }
        }

        impl std::error::Error for $error {}
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_take_the_same_arguments() {
        let who = "anna";
        let said = said!("{who} ha {} caselle", "{who} has {} mailboxes", 1 + 1);
        assert_eq!((said.pick(Lang::It), said.pick(Lang::En)), ("anna ha 2 caselle", "anna has 2 mailboxes"));
        let about = said.about("{who}");
        assert_eq!(about.en, "{who}: anna has 2 mailboxes");
        assert_eq!(Said::verbatim("x").pick(Lang::En), "x");
    }
}
