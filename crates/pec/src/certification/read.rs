//! Reading `daticert.xml` as strictly as its DTD. quick-xml gives the events; the grammar is below, in its order.
//!
//! There is no entity expansion, no DOCTYPE and no nesting beyond the DTD's, so a hostile file can do nothing but fail.

use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use sigillo_base::{Address, PecId};

use crate::{Certification, CertifiedTime, Error, Errore, Facts, ReceiptKind, Recipient, RecipientClass, Tipo};

pub(super) fn document(xml: &[u8]) -> Result<Certification, Error> {
    let text = std::str::from_utf8(xml).map_err(|_| bad("codifica diversa da UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.chars().any(|c| !is_xml_char(c)) {
        return Err(bad("caratteri non ammessi da XML"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut r = Elements { reader, ahead: None, begun: false };
    let c = postacert(&mut r)?;
    r.at_end()?;
    Ok(c)
}

fn bad(why: impl Into<String>) -> Error {
    Error::Certification(why.into())
}

/// XML 1.0 §2.2.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

fn postacert(r: &mut Elements<'_>) -> Result<Certification, Error> {
    let root = r.start("postacert")?;
    let (mut kind, mut error) = (None, Errore::Nessuno);
    for (name, value) in attributes(&root, &["tipo", "errore"])? {
        if name == "tipo" {
            kind = Some(Tipo::parse(&value).ok_or_else(|| bad(format!("tipo sconosciuto: {value}")))?);
        } else {
            error = Errore::parse(&value).ok_or_else(|| bad(format!("errore sconosciuto: {value}")))?;
        }
    }
    let kind = kind.ok_or_else(|| bad("attributo tipo assente"))?;
    let head = intestazione(r)?;
    let data = dati(r)?;
    r.end()?;
    let facts = Facts {
        sender: head.sender,
        recipients: head.recipients,
        reply_to: head.reply_to,
        subject: head.subject,
        id: data.id,
        msgid: data.msgid,
    };
    Ok(Certification {
        kind,
        error,
        facts,
        issuer: data.issuer,
        time: data.time,
        receipt: data.receipt,
        delivered: data.delivered,
        taken: data.taken,
        extended_error: data.extended_error,
    })
}

struct Head {
    sender: Address,
    recipients: Vec<Recipient>,
    reply_to: String,
    subject: Option<String>,
}

/// `(mittente, destinatari+, risposte, oggetto?)`
fn intestazione(r: &mut Elements<'_>) -> Result<Head, Error> {
    r.start_plain("intestazione")?;
    let sender = address("mittente", &r.text("mittente")?)?;
    let mut recipients = Vec::new();
    while let Some(start) = r.start_if("destinatari")? {
        let mut class = RecipientClass::Certified;
        for (_, value) in attributes(&start, &["tipo"])? {
            class = RecipientClass::parse(&value).ok_or_else(|| bad(format!("destinatari: tipo {value}")))?;
        }
        recipients.push(Recipient { address: address("destinatari", &r.content()?)?, class });
    }
    if recipients.is_empty() {
        return Err(bad("elemento destinatari assente"));
    }
    let reply_to = r.text("risposte")?;
    let subject = r.text_if("oggetto")?;
    r.end()?;
    Ok(Head { sender, recipients, reply_to, subject })
}

struct Data {
    issuer: String,
    time: CertifiedTime,
    id: PecId,
    msgid: Option<String>,
    receipt: Option<ReceiptKind>,
    delivered: Option<Address>,
    taken: Vec<Address>,
    extended_error: Option<String>,
}

/// `(gestore-emittente, data, identificativo, msgid?, ricevuta?, consegna?, ricezione*, errore-esteso?)`
fn dati(r: &mut Elements<'_>) -> Result<Data, Error> {
    r.start_plain("dati")?;
    let issuer = r.text("gestore-emittente")?;
    let time = data(r)?;
    let id = r.text("identificativo")?;
    let id = PecId::parse(id.trim()).ok_or_else(|| bad("identificativo non valido"))?;
    let msgid = r.text_if("msgid")?.map(|m| m.trim().to_owned());
    let receipt = ricevuta(r)?;
    let delivered = r.text_if("consegna")?.map(|a| address("consegna", &a)).transpose()?;
    let mut taken = Vec::new();
    while let Some(text) = r.text_if("ricezione")? {
        taken.push(address("ricezione", &text)?);
    }
    let extended_error = r.text_if("errore-esteso")?;
    r.end()?;
    Ok(Data { issuer, time, id, msgid, receipt, delivered, taken, extended_error })
}

fn data(r: &mut Elements<'_>) -> Result<CertifiedTime, Error> {
    let start = r.start("data")?;
    let zone = attributes(&start, &["zona"])?.pop().map(|(_, value)| value);
    let zone = zone.ok_or_else(|| bad("attributo zona assente"))?;
    let time = CertifiedTime {
        day: r.text("giorno")?.trim().to_owned(),
        time: r.text("ora")?.trim().to_owned(),
        zone: zone.trim().to_owned(),
    };
    r.end()?;
    if time.instant().is_none() {
        return Err(bad("data, ora o zona non valide"));
    }
    Ok(time)
}

/// `EMPTY`, with one attribute.
fn ricevuta(r: &mut Elements<'_>) -> Result<Option<ReceiptKind>, Error> {
    let Some(start) = r.start_if("ricevuta")? else { return Ok(None) };
    let (_, value) = attributes(&start, &["tipo"])?.pop().ok_or_else(|| bad("ricevuta senza tipo"))?;
    let kind = ReceiptKind::parse(&value).filter(|k| k.as_str() == value);
    let kind = kind.ok_or_else(|| bad(format!("ricevuta: tipo {value}")))?;
    if !r.content()?.is_empty() {
        return Err(bad("elemento ricevuta non vuoto"));
    }
    Ok(Some(kind))
}

fn address(element: &str, text: &str) -> Result<Address, Error> {
    Address::parse(text.trim()).map_err(|e| bad(format!("{element}: {e}")))
}

/// Attributes of a start tag, none but the allowed ones, references resolved, blanks normalised (XML 1.0 §3.3.3). The
/// first other one ends the reading: quick-xml compares each name with all before it, which must stay few.
fn attributes(start: &BytesStart<'_>, allowed: &[&str]) -> Result<Vec<(String, String)>, Error> {
    let mut out = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| bad(e.to_string()))?;
        if !allowed.contains(&attribute.key.as_ref()) {
            return Err(bad(format!("attributo non previsto: {}", attribute.key.as_ref())));
        }
        let value = attribute.normalized_value(quick_xml::XmlVersion::Implicit1_0).map_err(|e| bad(e.to_string()))?;
        out.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(out)
}

/// The elements of the document one after the other, with one event of look-ahead. Blanks and comments between
/// elements do not count.
struct Elements<'x> {
    reader: Reader<&'x [u8]>,
    ahead: Option<Event<'x>>,
    /// Whether an event has been read: the declaration may only be the first.
    begun: bool,
}

impl<'x> Elements<'x> {
    /// The next event as it comes.
    fn raw(&mut self) -> Result<Event<'x>, Error> {
        if let Some(event) = self.ahead.take() {
            return Ok(event);
        }
        self.reader.read_event().map_err(|e| bad(e.to_string()))
    }

    /// The next start, end or end of file; text in between must be blank.
    fn next(&mut self) -> Result<Event<'x>, Error> {
        loop {
            let first = !std::mem::replace(&mut self.begun, true);
            let event = self.raw()?;
            match &event {
                Event::Start(_) | Event::End(_) | Event::Eof => return Ok(event),
                Event::Comment(_) => {}
                Event::Text(t) if t.xml10_content().chars().all(|c| c.is_ascii_whitespace()) => {}
                Event::Decl(d) if first => declaration(d)?,
                Event::DocType(_) => return Err(bad("DOCTYPE non ammesso")),
                Event::PI(_) => return Err(bad("istruzione di elaborazione non ammessa")),
                _ => return Err(bad("testo fuori dagli elementi")),
            }
        }
    }

    fn start(&mut self, name: &str) -> Result<BytesStart<'x>, Error> {
        self.start_if(name)?.ok_or_else(|| bad(format!("atteso l'elemento {name}")))
    }

    /// A start tag that may have no attributes.
    fn start_plain(&mut self, name: &str) -> Result<(), Error> {
        no_attributes(&self.start(name)?)
    }

    fn start_if(&mut self, name: &str) -> Result<Option<BytesStart<'x>>, Error> {
        match self.next()? {
            Event::Start(s) if s.name().as_ref() == name => Ok(Some(s)),
            other => {
                self.ahead = Some(other);
                Ok(None)
            }
        }
    }

    /// The end tag of the open element (quick-xml has compared the names).
    fn end(&mut self) -> Result<(), Error> {
        match self.next()? {
            Event::End(_) => Ok(()),
            Event::Start(s) => Err(bad(format!("elemento non previsto: {}", s.name().as_ref()))),
            _ => Err(bad("documento incompleto")),
        }
    }

    fn at_end(&mut self) -> Result<(), Error> {
        match self.next()? {
            Event::Eof => Ok(()),
            _ => Err(bad("contenuto dopo l'elemento postacert")),
        }
    }

    /// A text element that must be here.
    fn text(&mut self, name: &str) -> Result<String, Error> {
        self.text_if(name)?.ok_or_else(|| bad(format!("atteso l'elemento {name}")))
    }

    /// A text element, when it is the next.
    fn text_if(&mut self, name: &str) -> Result<Option<String>, Error> {
        let Some(start) = self.start_if(name)? else { return Ok(None) };
        no_attributes(&start)?;
        self.content().map(Some)
    }

    /// Character data up to the end tag, references resolved; no element inside.
    fn content(&mut self) -> Result<String, Error> {
        let mut out = String::new();
        loop {
            match self.raw()? {
                Event::Text(t) => out.push_str(&t.xml10_content()),
                Event::CData(t) => out.push_str(&t.xml10_content()),
                Event::GeneralRef(reference) => out.push(character(&reference)?),
                Event::Comment(_) => {}
                Event::End(_) => return Ok(out),
                Event::Eof => return Err(bad("documento incompleto")),
                _ => return Err(bad("elemento dentro un testo")),
            }
        }
    }
}

fn no_attributes(start: &BytesStart<'_>) -> Result<(), Error> {
    attributes(start, &[]).map(drop)
}

/// The XML declaration: only at the start, and only UTF-8.
fn declaration(d: &BytesDecl<'_>) -> Result<(), Error> {
    match d.encoding() {
        None => Ok(()),
        Some(Ok(name)) if name.eq_ignore_ascii_case("utf-8") => Ok(()),
        Some(_) => Err(bad("codifica diversa da UTF-8")),
    }
}

/// A reference: by number, or one of the five names of XML 1.0 §4.6. Any other entity is refused.
fn character(reference: &BytesRef<'_>) -> Result<char, Error> {
    let by_number = reference.resolve_char_ref().map_err(|e| bad(e.to_string()))?;
    let c = match by_number {
        Some(c) => c,
        None => match reference.as_ref() {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => return Err(bad("entità non ammessa")),
        },
    };
    if is_xml_char(c) { Ok(c) } else { Err(bad("caratteri non ammessi da XML")) }
}
