//! The port to what tells good ordinary mail from bad: who may send for a domain (SPF, DKIM, DMARC, ARC), who is on a list
//! of bad addresses (DNSBL), what an antispam says (SEC-02). Asked about mail that no provider certifies, and about no
//! other.

use sigillo_base::Address;
use sigillo_mime::write;

use crate::Arrived;

/// Who is asked about a message of ordinary mail. Calls may block for as long as name servers and scanners take, and are
/// made from worker threads.
pub trait Screener: Send + Sync {
    /// What is known about this message. What cannot be known now is in the findings, as such. `None` when so much is
    /// being asked that the peer had better come again.
    fn screen(&self, mail: &Arrived) -> Option<Screening>;
}

/// What was found out about a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Screening {
    /// Whether the client may send for the domain of the sender, or of the name it gave itself (RFC 7208).
    pub spf: Option<Checked>,
    /// The signatures of domains, in the order of the header (RFC 6376).
    pub dkim: Vec<Checked>,
    /// The chain of those who forwarded it (RFC 8617).
    pub arc: Option<Checked>,
    /// Whether the author's domain stands behind it (RFC 9989, before RFC 7489).
    pub dmarc: Option<Checked>,
    /// Whether the author's domain asks to refuse what it does not stand behind.
    pub dmarc_reject: bool,
    /// The lists that were asked about the client's address.
    pub lists: Vec<Checked>,
    /// What the antispam says.
    pub spam: Spam,
}

/// The result of one method, and what it is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The result.
    pub result: Outcome,
    /// Properties and their values, as RFC 8601 §2.2 names them (`header.d`, `posta.example`).
    pub about: Vec<(&'static str, String)>,
}

/// A result in the words of RFC 8601 §2.7. A client that is on a list is a `fail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is nothing to check.
    None,
    /// Checked, and well.
    Pass,
    /// Checked, and not.
    Fail,
    /// Probably not.
    SoftFail,
    /// Nothing is said either way.
    Neutral,
    /// It cannot be known now.
    TempError,
    /// It cannot be known.
    PermError,
}

impl Outcome {
    /// The word of the standard.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::SoftFail => "softfail",
            Self::Neutral => "neutral",
            Self::TempError => "temperror",
            Self::PermError => "permerror",
        }
    }
}

/// What an antispam says of a message.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Spam {
    /// It was not asked: there is none, or the message is larger than it is given.
    #[default]
    NotAsked,
    /// It has no verdict now. The text is for the operator.
    Unavailable(String),
    /// Its verdict.
    Judged {
        /// What it would do.
        advice: Advice,
        /// Points against the message.
        score: f64,
        /// From how many points on it would refuse.
        required: f64,
        /// The names of the rules that gave points.
        symbols: Vec<String>,
    },
}

/// What an antispam would do with a message, from mild to strict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Advice {
    /// Nothing.
    Take,
    /// Take it, and tell the recipient.
    Mark,
    /// Have it come again.
    Defer,
    /// Refuse it.
    Refuse,
}

impl Advice {
    fn as_str(self) -> &'static str {
        match self {
            Self::Take => "take",
            Self::Mark => "mark",
            Self::Defer => "defer",
            Self::Refuse => "refuse",
        }
    }
}

/// Rules of the antispam that are named in a header field.
const SYMBOLS: usize = 20;
/// Longest value of a property, in characters.
const VALUE: usize = 255;

impl Screening {
    /// Each method, its result and what it is about.
    fn methods(&self) -> impl Iterator<Item = (&'static str, &Checked)> {
        let spf = self.spf.iter().map(|c| ("spf", c));
        let dkim = self.dkim.iter().map(|c| ("dkim", c));
        let arc = self.arc.iter().map(|c| ("arc", c));
        let dmarc = self.dmarc.iter().map(|c| ("dmarc", c));
        // No registered method: experimental, and so it says (RFC 8601 §2.7.7).
        spf.chain(dkim).chain(arc).chain(dmarc).chain(self.lists.iter().map(|c| ("x-dnsbl", c)))
    }

    /// Whether the domain of this reverse-path stands behind the message: by SPF, or by DMARC where the author's domain is
    /// the same one.
    pub(crate) fn vouches_for(&self, from: &Address) -> bool {
        let about = |checked: &Option<Checked>, name, is: &dyn Fn(&str) -> bool| {
            let passed = checked.iter().filter(|c| c.result == Outcome::Pass);
            passed.flat_map(|c| &c.about).any(|(known, value)| *known == name && is(value))
        };
        about(&self.spf, "smtp.mailfrom", &|value| Address::parse(value).is_ok_and(|a| a.domain() == from.domain()))
            || about(&self.dmarc, "header.from", &|value| value.eq_ignore_ascii_case(from.domain().as_str()))
    }

    /// The header fields that tell the recipient, ending in CRLF: `Authentication-Results` in the name of `host`
    /// (RFC 8601), and what the antispam said.
    pub(crate) fn fields(&self, host: &str) -> String {
        let results: Vec<String> = self.methods().map(|(method, checked)| format!("; {method}={checked}")).collect();
        let results = if results.is_empty() { "; none".to_owned() } else { results.concat() };
        let mut fields = write::field("Authentication-Results", &format!("{host}{results}"));
        if let Spam::Judged { advice, score, required, symbols } = &self.spam {
            let (is_spam, tests) = (*advice >= Advice::Mark, named(symbols));
            let (word, advice) = (if is_spam { "Yes" } else { "No" }, advice.as_str());
            let status = format!("{word}, score={score:.2} required={required:.2} advice={advice} tests={tests}");
            fields += &write::field("X-Spam-Status", &status);
            if is_spam {
                fields += "X-Spam-Flag: YES\r\n";
            }
        }
        fields
    }

    /// The same in one line, for the operator's log.
    pub(crate) fn summary(&self) -> String {
        let mut words: Vec<String> = self.methods().map(|(method, checked)| format!("{method}={checked}")).collect();
        words.push(match &self.spam {
            Spam::NotAsked => "spam=none".to_owned(),
            Spam::Unavailable(_) => "spam=temperror".to_owned(),
            Spam::Judged { advice, score, symbols, .. } => {
                format!("spam={} score={score:.2} tests={}", advice.as_str(), named(symbols))
            }
        });
        words.join("; ")
    }
}

impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.result.as_str())?;
        self.about.iter().try_for_each(|(name, value)| write!(f, " {name}={}", property(value)))
    }
}

/// Names of rules as a list without blanks; only what such a name is made of.
fn named(symbols: &[String]) -> String {
    let name = |s: &String| s.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').take(64).collect::<String>();
    let names: Vec<String> = symbols.iter().map(name).filter(|name| !name.is_empty()).take(SYMBOLS).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(",") }
}

/// A property's value (RFC 8601 §2.2): an address or a token as it is, all else as a quoted string. The message's author
/// chose it: what could end the value or the line does not pass.
fn property(value: &str) -> String {
    let value: String = value.chars().filter(|c| !c.is_control()).take(VALUE).collect();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`{|}~@".contains(c);
    if !value.is_empty() && value.chars().all(token) {
        return value;
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(result: Outcome, about: &[(&'static str, &str)]) -> Checked {
        Checked { result, about: about.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
    }

    #[test]
    fn results_are_written_as_the_standard_has_them() {
        let screening = Screening {
            spf: Some(checked(Outcome::Pass, &[("smtp.mailfrom", "dora@posta.example")])),
            dkim: vec![
                checked(Outcome::Pass, &[("header.d", "posta.example"), ("header.s", "uno")]),
                checked(Outcome::TempError, &[("header.d", "altra.example")]),
            ],
            arc: Some(checked(Outcome::None, &[])),
            dmarc: Some(checked(Outcome::Pass, &[("header.from", "posta.example")])),
            lists: vec![checked(Outcome::Fail, &[("dns.zone", "cattivi.example")])],
            spam: Spam::Judged {
                advice: Advice::Mark,
                score: 7.25,
                required: 15.0,
                symbols: vec!["GTUBE".into(), "A B\r\nX: y".into(), String::new()],
            },
            ..Screening::default()
        };
        let expected = "Authentication-Results: mx.pec.beta.example; spf=pass\r\n smtp.mailfrom=dora@posta.example; \
                        dkim=pass header.d=posta.example\r\n header.s=uno; dkim=temperror header.d=altra.example; \
                        arc=none; dmarc=pass\r\n header.from=posta.example; x-dnsbl=fail dns.zone=cattivi.example\r\n\
                        X-Spam-Status: Yes, score=7.25 required=15.00 advice=mark tests=GTUBE,ABXy\r\n\
                        X-Spam-Flag: YES\r\n";
        assert_eq!(screening.fields("mx.pec.beta.example"), expected);
        assert_eq!(Screening::default().fields("mx"), "Authentication-Results: mx; none\r\n");
        assert_eq!(Screening::default().summary(), "spam=none");
    }

    /// A pass counts for the domain that it is about, and nothing less than a pass.
    #[test]
    fn a_domain_is_vouched_for_by_its_own_pass_only() {
        let dora = Address::parse("dora@posta.example").unwrap();
        let spf =
            |result, from| Screening { spf: Some(checked(result, &[("smtp.mailfrom", from)])), ..Screening::default() };
        let dmarc = |result, from| Screening {
            dmarc: Some(checked(result, &[("header.from", from), ("policy.dmarc", "reject")])),
            ..Screening::default()
        };
        for shown in [spf(Outcome::Pass, "dora@Posta.Example"), dmarc(Outcome::Pass, "POSTA.example")] {
            assert!(shown.vouches_for(&dora), "{shown:?}");
        }
        let helo =
            Screening { spf: Some(checked(Outcome::Pass, &[("smtp.helo", "posta.example")])), ..Screening::default() };
        for not in [
            Screening::default(),
            helo,
            spf(Outcome::SoftFail, "dora@posta.example"),
            spf(Outcome::Neutral, "dora@posta.example"),
            spf(Outcome::Pass, "dora@altra.example"),
            dmarc(Outcome::Pass, "altra.example"),
            dmarc(Outcome::Fail, "posta.example"),
            dmarc(Outcome::Pass, "xposta.example"),
        ] {
            assert!(!not.vouches_for(&dora), "{not:?}");
        }
    }

    /// Whoever writes the message chooses its sender, its signatures' domains and selectors.
    #[test]
    fn no_value_can_add_a_result_or_a_field() {
        for hostile in [
            "a@b.example; dmarc=pass header.from=banca.example",
            "x\r\nAuthentication-Results: mx; dmarc=pass",
            "\"; dkim=pass header.d=banca.example",
            "\\\"; dkim=pass",
            "a (b) c",
            "2001:db8::1",
            "",
        ] {
            let spf = Some(checked(Outcome::Fail, &[("smtp.mailfrom", hostile)]));
            let fields = Screening { spf, ..Screening::default() }.fields("mx");
            let line = fields.replace("\r\n ", " ");
            assert_eq!(line.matches("\r\n").count(), 1, "{fields}");
            let value = line.trim_end().strip_prefix("Authentication-Results: mx; spf=fail smtp.mailfrom=").unwrap();
            let inner = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or_else(|| panic!("{value}"));
            let bare = inner.replace("\\\\", "").replace("\\\"", "");
            assert!(!bare.contains('"') && !bare.contains('\\'), "{value}");
        }
    }
}
