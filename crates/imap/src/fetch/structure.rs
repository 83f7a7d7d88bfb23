//! BODY and BODYSTRUCTURE (RFC 3501 §7.4.2, RFC 9051 §7.5.2).

use std::ops::Range;

use sigillo_mime::{Part, Source};

use crate::fetch::header::Header;
use crate::fetch::{envelope, params};
use crate::text::{nstring, string};

/// The structure of a message: the text of BODYSTRUCTURE, which holds that of BODY.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Structure {
    /// BODYSTRUCTURE.
    pub text: Vec<u8>,
    /// Where its extension data lie, which BODY leaves out: begin and end, ascending.
    pub extensions: Vec<(u32, u32)>,
}

impl Structure {
    /// Of a message and its parts.
    ///
    /// # Errors
    /// Those of the source.
    pub fn of<S: Source>(source: &mut S, tree: &Part) -> Result<Self, S::Error> {
        let mut structure = Self::default();
        let lines = Lines::of(source, tree)?;
        structure.part(&mut Told { source, lines }, tree)?;
        Ok(structure)
    }

    /// Writes it, with extension data for BODYSTRUCTURE, without for BODY.
    pub fn write(&self, out: &mut Vec<u8>, extended: bool) {
        let mut at = 0;
        for (from, to) in self.extensions.iter().filter(|_| !extended) {
            out.extend_from_slice(self.text.get(at..*from as usize).unwrap_or_default());
            at = *to as usize;
        }
        out.extend_from_slice(self.text.get(at..).unwrap_or_default());
    }

    fn part<S: Source>(&mut self, told: &mut Told<'_, S>, part: &Part) -> Result<(), S::Error> {
        // A copy, since parts inside are read before all of it is told.
        let header = told.source.read(part.header.start..part.body.start)?.into_owned();
        let header = Header::of(&header);
        self.text.push(b'(');
        if part.content_type.kind == "multipart" {
            self.multipart(told, part, &header)?;
        } else {
            self.single(told, part, &header)?;
        }
        self.text.push(b')');
        Ok(())
    }

    /// What `write` writes is extension data.
    fn extension(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        let place = |text: &Vec<u8>| u32::try_from(text.len()).unwrap_or(u32::MAX);
        let from = place(&self.text);
        write(&mut self.text);
        self.extensions.push((from, place(&self.text)));
    }

    fn multipart<S: Source>(
        &mut self,
        told: &mut Told<'_, S>,
        part: &Part,
        header: &Header<'_>,
    ) -> Result<(), S::Error> {
        for child in &part.children {
            self.part(told, child)?;
        }
        let out = &mut self.text;
        if part.children.is_empty() {
            // The grammar wants a part where a broken message has none.
            out.extend_from_slice(b"(\"text\" \"plain\" NIL NIL NIL \"7BIT\" 0 0)");
        }
        out.push(b' ');
        string(out, part.content_type.sub.as_bytes());
        self.extension(|out| {
            out.push(b' ');
            parameters(out, &content_type(header).params);
            disposition_language_location(out, header);
        });
        Ok(())
    }

    fn single<S: Source>(&mut self, told: &mut Told<'_, S>, part: &Part, header: &Header<'_>) -> Result<(), S::Error> {
        let out = &mut self.text;
        let inner = part.children.first().filter(|_| part.is_message());
        let (kind, sub) = match (part.content_type.kind.as_str(), part.content_type.sub.as_str()) {
            // Its grammar wants an envelope, which is not to be had: too deep, or encoded.
            ("message", "rfc822" | "global") if inner.is_none() => ("application", "octet-stream"),
            ("" | "multipart", _) | (_, "") => ("text", "plain"),
            both => both,
        };
        string(out, kind.as_bytes());
        out.push(b' ');
        string(out, sub.as_bytes());
        out.push(b' ');
        match header.first("Content-Type") {
            None if kind == "text" => out.extend_from_slice(b"(\"charset\" \"us-ascii\")"),
            None => out.extend_from_slice(b"NIL"),
            Some(value) => parameters(out, &params::parse(&value).params),
        }
        for name in ["Content-ID", "Content-Description"] {
            out.push(b' ');
            nstring(out, header.first(name).as_deref());
        }
        out.push(b' ');
        let encoding = header.first("Content-Transfer-Encoding").map(|v| params::parse(&v).token);
        string(out, encoding.as_deref().filter(|e| !e.is_empty()).unwrap_or(b"7BIT"));
        out.extend_from_slice(format!(" {}", part.body.len()).as_bytes());
        if let Some(inner) = inner {
            out.push(b' ');
            envelope::write(out, &told.source.read(inner.header.start..inner.body.start)?);
            out.push(b' ');
            self.part(told, inner)?;
        }
        if inner.is_some() || kind == "text" {
            self.text.extend_from_slice(format!(" {}", told.lines.within(&part.body)).as_bytes());
        }
        self.extension(|out| {
            out.push(b' ');
            nstring(out, header.first("Content-MD5").as_deref());
            disposition_language_location(out, header);
        });
        Ok(())
    }
}

/// What a structure is told of.
struct Told<'s, S> {
    source: &'s mut S,
    lines: Lines,
}

/// Lines of the parts that tell theirs, counted in one pass whatever lies inside what: places, ascending, each with the line
/// ends before it, from the first place on.
struct Lines(Vec<(usize, usize)>);

/// Octets counted in one go.
const STRETCH: usize = 64 * 1024;

impl Lines {
    fn of<S: Source>(source: &mut S, tree: &Part) -> Result<Self, S::Error> {
        let tells = |part: &&Part| matches!(part.content_type.kind.as_str(), "text" | "message");
        let mut places: Vec<usize> = tree.walk().filter(tells).flat_map(|p| [p.body.start, p.body.end]).collect();
        places.sort_unstable();
        places.dedup();
        let mut counted = Vec::with_capacity(places.len());
        let (mut at, mut ends) = (places.first().copied().unwrap_or(0), 0);
        for place in places {
            while at < place {
                let to = place.min(at + STRETCH);
                ends += memchr::memchr_iter(b'\n', &source.read(at..to)?).count();
                at = to;
            }
            counted.push((place, ends));
        }
        Ok(Self(counted))
    }

    fn within(&self, body: &Range<usize>) -> usize {
        let before = |place: &usize| self.0.binary_search_by_key(place, |(at, _)| *at).map_or(0, |i| self.0[i].1);
        before(&body.end) - before(&body.start)
    }
}

fn content_type(header: &Header<'_>) -> params::Value {
    header.first("Content-Type").map(|v| params::parse(&v)).unwrap_or_default()
}

fn parameters(out: &mut Vec<u8>, params: &[(Vec<u8>, Vec<u8>)]) {
    if params.is_empty() {
        return out.extend_from_slice(b"NIL");
    }
    for (i, (name, value)) in params.iter().enumerate() {
        out.push(if i == 0 { b'(' } else { b' ' });
        string(out, name);
        out.push(b' ');
        string(out, value);
    }
    out.push(b')');
}

fn disposition_language_location(out: &mut Vec<u8>, header: &Header<'_>) {
    out.push(b' ');
    match header.first("Content-Disposition").map(|v| params::parse(&v)).filter(|d| !d.token.is_empty()) {
        None => out.extend_from_slice(b"NIL"),
        Some(disposition) => {
            out.push(b'(');
            string(out, &disposition.token);
            out.push(b' ');
            parameters(out, &disposition.params);
            out.push(b')');
        }
    }
    out.push(b' ');
    let languages = header.first("Content-Language").unwrap_or_default();
    let tags: Vec<&[u8]> = languages.split(|b| *b == b',').map(<[u8]>::trim_ascii).filter(|t| !t.is_empty()).collect();
    match tags[..] {
        [] => out.extend_from_slice(b"NIL"),
        [one] => string(out, one),
        _ => {
            for (i, tag) in tags.iter().enumerate() {
                out.push(if i == 0 { b'(' } else { b' ' });
                string(out, tag);
            }
            out.push(b')');
        }
    }
    out.push(b' ');
    nstring(out, header.first("Content-Location").as_deref());
}
