//! The line form of a record, and the frame it shares with service lines.

use sigillo_base::{Address, Timestamp};

use super::Record;
use crate::{Error, Errore, Kind, ReceiptKind, Recipient, RecipientClass, calendar, texts};

const PROCESS: &str = "sigillo";

/// A line in the making: the first field has no key.
pub(super) struct Line(String);

impl Line {
    pub(super) fn new(at: Timestamp, installation: &str, first: &str) -> Self {
        Self(format!("{at} {PROCESS} {} [0]: {}", word(installation), escape(first)))
    }

    pub(super) fn put(&mut self, key: &str, value: &str) {
        self.0.push_str(": ");
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&escape(value));
    }

    /// The line with a field.
    pub(super) fn with(mut self, key: &str, value: &str) -> Self {
        self.put(key, value);
        self
    }

    /// The same where there is a value.
    pub(super) fn perhaps(self, key: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    pub(super) fn done(self) -> String {
        self.0
    }
}

pub(super) fn write(r: &Record) -> String {
    let tipo = r.kind.tipo().map(|t| t.as_str()).unwrap_or_default();
    let recipients: Vec<String> =
        r.recipients.iter().map(|r| format!("{} ({})", r.address, r.class.as_str())).collect();
    let mut line = Line::new(r.at, &r.installation, &r.id);
    let mut put = |key: &str, value: &str| line.put(key, value);
    if let Some(queue) = &r.queue {
        put("queueid", queue);
    }
    put("tipo", format!("{tipo} ({})", r.kind.class()).trim_start());
    put("mittente", &r.sender);
    put("destinatari", &recipients.join(", "));
    put("oggetto", r.subject.as_deref().unwrap_or_default());
    put("message-id", &r.message_id);
    put("gestore", &r.issuer);
    if let Some(kind) = r.receipt {
        put("tipo_ricevuta", kind.as_str());
    }
    if let Some(kind) = r.issued {
        put("ricevuta_emessa", kind.as_str());
    }
    if let Some(address) = &r.delivered {
        put("consegna", address.as_str());
    }
    if !r.taken.is_empty() {
        put("ricezione", &r.taken.iter().map(Address::as_str).collect::<Vec<_>>().join(", "));
    }
    if let Some(error) = r.error {
        put("errore", error.as_str());
    }
    for (key, text) in [("errore-esteso", &r.extended_error), ("virus", &r.virus), ("eccezioni", &r.exceptions)] {
        if let Some(text) = text {
            put(key, text);
        }
    }
    line.done()
}

/// The installation as one word; `-` when it has none.
fn word(text: &str) -> String {
    let word: String = text.chars().filter(|c| c.is_ascii_alphanumeric() || ".-_".contains(*c)).collect();
    if word.is_empty() { "-".into() } else { word }
}

/// One line, with `: ` and backslashes marked.
fn escape(text: &str) -> String {
    texts::line(text).replace('\\', "\\\\").replace(": ", "\\: ")
}

/// Cuts at every `: ` that no backslash marks, and takes the marks away.
fn fields(text: &str) -> Result<Vec<String>, Error> {
    let (mut out, mut field) = (Vec::new(), String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek().copied()) {
            ('\\', Some(marked @ ('\\' | ':'))) => {
                rest.next();
                field.push(marked);
            }
            ('\\', _) => return Err(bad("barra inversa isolata")),
            (':', Some(' ')) => {
                rest.next();
                out.push(std::mem::take(&mut field));
            }
            (c, _) => field.push(c),
        }
    }
    out.push(field);
    Ok(out)
}

pub(super) fn bad(why: impl Into<String>) -> Error {
    Error::Log(why.into())
}

/// A line taken apart.
pub(super) struct Parts {
    pub at: Timestamp,
    pub installation: String,
    /// The field without a key: an identifier, or the name of a service event.
    pub first: String,
    pub keyed: Vec<String>,
}

pub(super) fn parts(text: &str) -> Result<Parts, Error> {
    let (head, rest) = text.split_once(" [0]: ").ok_or_else(|| bad("inizio della riga non valido"))?;
    let head: Vec<&str> = head.split(' ').collect();
    let [time, PROCESS, installation] = head.as_slice() else { return Err(bad("inizio della riga non valido")) };
    let mut keyed = fields(rest)?;
    let first = if keyed.is_empty() { String::new() } else { keyed.remove(0) };
    let at = timestamp(time).ok_or_else(|| bad("data e ora non valide"))?;
    Ok(Parts { at, installation: (*installation).to_owned(), first, keyed })
}

pub(super) fn read(parts: Parts) -> Result<Record, Error> {
    let mut fields = Keyed(&parts.keyed);
    let queue = fields.optional("queueid");
    let kind = kind(&fields.required("tipo")?)?;
    let sender = fields.required("mittente")?;
    let recipients = list(&fields.required("destinatari")?).map(recipient).collect::<Result<_, _>>()?;
    let record = Record {
        at: parts.at,
        installation: parts.installation.clone(),
        id: parts.first.clone(),
        queue,
        kind,
        sender,
        recipients,
        subject: Some(fields.required("oggetto")?).filter(|s| !s.is_empty()),
        message_id: fields.required("message-id")?,
        issuer: fields.required("gestore")?,
        receipt: fields.parsed("tipo_ricevuta", ReceiptKind::parse)?,
        issued: fields.parsed("ricevuta_emessa", ReceiptKind::parse)?,
        delivered: fields.parsed("consegna", |t| Address::parse(t).ok())?,
        taken: match fields.optional("ricezione") {
            Some(all) => list(&all).map(address).collect::<Result<_, _>>()?,
            None => Vec::new(),
        },
        error: fields.parsed("errore", Errore::parse)?,
        extended_error: fields.optional("errore-esteso"),
        virus: fields.optional("virus"),
        exceptions: fields.optional("eccezioni"),
    };
    fields.end()?;
    Ok(record)
}

/// The fields that are left, in their order.
pub(super) struct Keyed<'f>(pub &'f [String]);

impl Keyed<'_> {
    /// That none is left.
    pub(super) fn end(&self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(bad("campo non previsto")) }
    }

    pub(super) fn optional(&mut self, key: &str) -> Option<String> {
        let (first, rest) = self.0.split_first()?;
        let value = first.strip_prefix(key)?.strip_prefix('=')?.to_owned();
        self.0 = rest;
        Some(value)
    }

    pub(super) fn required(&mut self, key: &str) -> Result<String, Error> {
        self.optional(key).ok_or_else(|| bad(format!("campo {key} assente")))
    }

    pub(super) fn parsed<T>(&mut self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, Error> {
        let Some(text) = self.optional(key) else { return Ok(None) };
        parse(&text).map(Some).ok_or_else(|| bad(format!("campo {key} non valido")))
    }
}

/// `accettazione (Accettazione)`; an anomaly envelope has only the class.
fn kind(text: &str) -> Result<Kind, Error> {
    let (tipo, class) = text.rsplit_once('(').ok_or_else(|| bad("campo tipo non valido"))?;
    let kind = class.strip_suffix(')').and_then(Kind::from_class).ok_or_else(|| bad("classe sconosciuta"))?;
    if tipo.trim() == kind.tipo().map(|t| t.as_str()).unwrap_or_default() {
        Ok(kind)
    } else {
        Err(bad("tipo e classe non concordi"))
    }
}

/// Addresses with quoted local parts may hold `, `: the comma counts only outside quotes.
pub(super) fn list(text: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    let separates = move |c: char| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => return true,
            _ => {}
        }
        false
    };
    text.split(separates).map(str::trim).filter(|t| !t.is_empty())
}

fn address(text: &str) -> Result<Address, Error> {
    Address::parse(text).map_err(|e| bad(e.to_string()))
}

fn recipient(text: &str) -> Result<Recipient, Error> {
    let (who, class) = text.rsplit_once(" (").ok_or_else(|| bad("destinatario senza tipo"))?;
    let class = class.strip_suffix(')').and_then(RecipientClass::parse).ok_or_else(|| bad("tipo di destinatario"))?;
    Ok(Recipient { address: address(who)?, class })
}

/// What `Timestamp` displays: `2026-03-12T10:15:01.000+01:00`.
fn timestamp(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_once('T')?;
    let [year, month, date] = numbers(day, '-')?;
    let zone = rest.find(['+', '-'])?;
    let (clock, offset) = (rest.get(..zone)?, rest.get(zone..)?);
    let (clock, millis) = clock.split_once('.')?;
    let [hour, minute, second] = numbers(clock, ':')?;
    let millis = calendar::number(millis)?;
    calendar::instant((year, month, date), (hour, minute, second), millis, calendar::offset(offset)?)
}

fn numbers(text: &str, separator: char) -> Option<[i64; 3]> {
    let all = text.split(separator).map(calendar::number).collect::<Option<Vec<i64>>>()?;
    all.try_into().ok()
}
