//! Tables that people bring as files: CSV (RFC 4180), as spreadsheets of half the world write it.
//!
//! UTF-8, with a byte order mark or without; lines end in CRLF or LF; fields are parted by `;`, `,` or a tab, whichever the
//! first line has first. What is written otherwise is refused by its name, never guessed at: a guess would change passwords.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sigillo_base::{Said, Tell, said, told};

/// Octets of a file.
pub const MAX_BYTES: u64 = 32 << 20;
/// Lines of a file.
const MAX_LINES: usize = 200_000;
/// What may part fields.
const SEPARATORS: [char; 3] = [';', ',', '\t'];
/// Octets of a line.
const MAX_LINE: usize = 8 << 10;

/// Why a file is no table. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// More than [`MAX_BYTES`], or too many lines.
    TooLarge,
    /// Two bytes for each character.
    Utf16,
    /// One byte for each character, most likely.
    NotUtf8 {
        /// Of the first octet that cannot be read.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// It.
        octet: u8,
    },
}

impl Tell for Error {
    fn said(&self) -> Said {
        match self {
            Self::TooLarge => said!(
                "il file è troppo grande: al più {} MiB e {MAX_LINES} righe",
                "the file is too large: at most {} MiB and {MAX_LINES} lines",
                MAX_BYTES >> 20
            ),
            Self::Utf16 => said!(
                "il file è in UTF-16: va salvato come «CSV UTF-8», o convertito con «iconv -f UTF-16 -t UTF-8»",
                "the file is in UTF-16: save it as “CSV UTF-8”, or convert it by “iconv -f UTF-16 -t UTF-8”"
            ),
            Self::NotUtf8 { line, column, octet } => said!(
                "riga {line}: non è UTF-8 dal carattere {column}, l'ottetto {octet:02X} (forse Latin-1 o Windows-1252): va salvato \
                 come «CSV UTF-8», o convertito con «iconv -f WINDOWS-1252 -t UTF-8»",
                "line {line}: not UTF-8 from character {column} on, the octet {octet:02X} (perhaps Latin-1 or Windows-1252): save it \
                 as “CSV UTF-8”, or convert it by “iconv -f WINDOWS-1252 -t UTF-8”"
            ),
        }
    }
}

told!(Error);

/// Why a line is no row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BadLine {
    /// Longer than any row that is meant.
    TooLong,
    /// A quotation mark without its other, or with something behind it; also a line break within.
    Quotes,
    /// A character that no field has: also the line ends of old Macintoshes.
    Control,
}

impl Tell for BadLine {
    fn said(&self) -> Said {
        match self {
            Self::TooLong => said!("la riga supera {MAX_LINE} byte", "the line is longer than {MAX_LINE} bytes"),
            Self::Quotes => said!(
                "virgolette non chiuse, o seguite da altro: dentro un campo si raddoppiano, e un campo sta su una riga",
                "quotation marks not closed, or something behind them: within a field they are doubled, and a field is on one line"
            ),
            Self::Control => said!(
                "un carattere di controllo: le righe finiscono con LF o CRLF",
                "a control character: lines end with LF or CRLF"
            ),
        }
    }
}

told!(BadLine);

/// A line with something in it.
#[derive(Debug)]
pub struct Row {
    /// Its number in the file, from 1.
    pub line: usize,
    /// Its fields, or why there are none.
    pub fields: Result<Vec<String>, BadLine>,
}

/// A file, read.
#[derive(Debug)]
pub struct Table {
    /// What parts the fields.
    pub separator: char,
    /// Lines that are not empty.
    pub rows: Vec<Row>,
}

impl Table {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error`], where nothing of it can be read; a single line that is none is told as its row.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let text = text(bytes)?;
        // A spreadsheet leaves rows of nothing but separators behind.
        let is_part = |c: char| SEPARATORS.contains(&c) || c.is_whitespace();
        let lines = || text.lines().enumerate().filter(|(_, line)| !line.chars().all(is_part));
        if text.lines().count() > MAX_LINES {
            return Err(Error::TooLarge);
        }
        let first = lines().next().map(|(_, line)| line).unwrap_or_default();
        let separator = first.chars().find(|c| SEPARATORS.contains(c)).unwrap_or(';');
        let rows = lines().map(|(at, line)| Row { line: at + 1, fields: fields(line, separator) }).collect();
        Ok(Self { separator, rows })
    }
}

/// A file's text, without its byte order mark.
///
/// # Errors
/// [`Error::Utf16`], [`Error::NotUtf8`].
pub fn text(bytes: &[u8]) -> Result<&str, Error> {
    if bytes.starts_with(&[0xff, 0xfe])
        || bytes.starts_with(&[0xfe, 0xff])
        || bytes.get(..4).is_some_and(|b| b.contains(&0))
    {
        return Err(Error::Utf16);
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let (before, behind) = bytes.split_at(error.valid_up_to());
        let last = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        Error::NotUtf8 {
            line: before.iter().filter(|b| **b == b'\n').count() + 1,
            column: String::from_utf8_lossy(last).chars().count() + 1,
            octet: behind.first().copied().unwrap_or_default(),
        }
    })
}

/// All of a file (`-`: of standard input), or as much more as shows that it is too large.
///
/// # Errors
/// The file's.
pub fn load(file: &Path) -> io::Result<Vec<u8>> {
    let (mut bytes, limit) = (Vec::new(), MAX_BYTES + 1);
    if file == Path::new("-") {
        io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
    } else {
        File::open(file)?.take(limit).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn fields(line: &str, separator: char) -> Result<Vec<String>, BadLine> {
    if line.len() > MAX_LINE {
        return Err(BadLine::TooLong);
    }
    if line.chars().any(|c| c.is_control() && c != '\t') {
        return Err(BadLine::Control);
    }
    let (mut fields, mut rest) = (Vec::new(), line);
    loop {
        let (field, behind) = match rest.trim_start_matches(' ').strip_prefix('"') {
            Some(quoted) => quoted_field(quoted)?,
            None => {
                let end = rest.find(separator).unwrap_or(rest.len());
                (rest[..end].trim_matches(' ').to_owned(), &rest[end..])
            }
        };
        fields.push(field);
        let behind = behind.trim_start_matches(' ');
        match behind.strip_prefix(separator) {
            Some(more) => rest = more,
            None if behind.is_empty() => return Ok(fields),
            None => return Err(BadLine::Quotes),
        }
    }
}

/// What stands up to the closing quotation mark, and what follows it.
fn quoted_field(text: &str) -> Result<(String, &str), BadLine> {
    let (mut field, mut rest) = (String::new(), text);
    loop {
        let (before, behind) = rest.split_once('"').ok_or(BadLine::Quotes)?;
        field.push_str(before);
        match behind.strip_prefix('"') {
            Some(more) => {
                field.push('"');
                rest = more;
            }
            None => return Ok((field, behind)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Vec<(usize, Vec<String>)> {
        let table = Table::read(text).unwrap();
        table.rows.into_iter().map(|row| (row.line, row.fields.unwrap())).collect()
    }

    fn row(line: usize, fields: &[&str]) -> (usize, Vec<String>) {
        (line, fields.iter().map(|f| (*f).to_owned()).collect())
    }

    #[test]
    fn what_spreadsheets_write() {
        let expected = [row(1, &["a@x.example", "più; bello", "\"x\""]), row(3, &["b@x.example", "", ""])];
        for text in [
            "a@x.example;\"più; bello\";\"\"\"x\"\"\"\n\nb@x.example;;\n",
            "\u{feff}a@x.example;\"più; bello\"; \"\"\"x\"\"\" \r\n\r\nb@x.example ; ;\r\n",
            "a@x.example,più; bello,\"\"\"x\"\"\"\n ,\nb@x.example,,",
            "a@x.example\tpiù; bello\t\"\"\"x\"\"\"\n\t\nb@x.example\t\t",
        ] {
            assert_eq!(rows(text.as_bytes()), expected, "{text:?}");
        }
        assert_eq!(Table::read("a,b;c".as_bytes()).unwrap().separator, ',');
        assert!(Table::read(b"").unwrap().rows.is_empty());
    }

    #[test]
    fn what_is_no_table_is_refused_by_name() {
        assert_eq!(Table::read(b"\xff\xfea\0;\0").unwrap_err(), Error::Utf16);
        assert_eq!(Table::read(b"\xfe\xff\0a\0;").unwrap_err(), Error::Utf16);
        assert_eq!(Table::read(b"a\0;\0b\0").unwrap_err(), Error::Utf16);
        let latin = Table::read("\u{feff}a@x.example;b\r\n«»c;pi".as_bytes()).unwrap();
        assert_eq!(latin.rows.len(), 2);
        let latin = Table::read(&["\u{feff}a@x.example;b\r\n«»c;pi".as_bytes(), b"\xf9;x\r\n"].concat()).unwrap_err();
        assert_eq!(latin, Error::NotUtf8 { line: 2, column: 7, octet: 0xf9 });
        for said in ["riga 2", "carattere 7", "F9", "Windows-1252", "iconv -f WINDOWS-1252 -t UTF-8"] {
            assert!(latin.to_string().contains(said), "{said}: {latin}");
        }
        assert_eq!(Table::read(&vec![b'\n'; MAX_LINES + 1]).unwrap_err(), Error::TooLarge);
    }

    #[test]
    fn a_bad_line_stops_no_other() {
        let text = format!("a;b\n\"c;d\n\"e\"x;f\n{};x\ng\rh;i\nl;m\n", "y".repeat(MAX_LINE));
        let table = Table::read(text.as_bytes()).unwrap();
        let bad: Vec<_> = table.rows.iter().filter_map(|r| Some((r.line, r.fields.clone().err()?))).collect();
        assert_eq!(bad, [(2, BadLine::Quotes), (3, BadLine::Quotes), (4, BadLine::TooLong), (5, BadLine::Control)]);
        assert_eq!(table.rows.len(), 6);
    }
}
