//! What a person types without its being seen.

use std::fs::File;
use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::path::Path;

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use sigillo_base::Secret;

/// Whether somebody sits there.
fn is_there() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks for a line that the terminal does not show.
///
/// # Errors
/// The terminal's.
fn ask(what: &str) -> io::Result<Secret> {
    let mut said = io::stderr().lock();
    // Who answers as soon as he is asked is not shown either.
    let silence = Silence::begin()?;
    write!(said, "{what}: ")?;
    said.flush()?;
    let mut line = String::new();
    let read = io::stdin().lock().read_line(&mut line);
    drop(silence);
    writeln!(said)?;
    read?;
    while line.ends_with(['\n', '\r']) {
        line.pop();
    }
    Ok(Secret::new(line))
}

/// A code of the second factor, of whoever sits there; `None` where nobody does. It does not know in which language he is
/// spoken to.
pub(crate) fn ask_for_a_code() -> io::Result<Option<Secret>> {
    if is_there() { ask("Codice del secondo fattore / Code of the second factor").map(Some) } else { Ok(None) }
}

/// The terminal shows nothing until this is dropped, also when reading fails.
struct Silence(Termios);

impl Silence {
    fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &quiet)?;
        Ok(Self(before))
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        // A terminal that is gone needs no echo.
        tcsetattr(io::stdin(), OptionalActions::Flush, &self.0).unwrap_or_default();
    }
}

/// Lines of secrets: those of a file, of standard input, or what is asked for one by one where somebody sits there.
pub(crate) enum Answers {
    /// Somebody types them.
    Asked,
    /// They were written before.
    Written(std::vec::IntoIter<Secret>),
}

/// Octets of a file of secrets.
const MOST: u64 = 4096;

impl Answers {
    /// Those of this file (`-`: standard input); without one, of whoever sits there, or of standard input.
    ///
    /// # Errors
    /// The file's.
    pub(crate) fn of(file: Option<&Path>) -> io::Result<Self> {
        let mut text = String::new();
        match file {
            None if is_there() => return Ok(Self::Asked),
            Some(file) if file != Path::new("-") => File::open(file)?.take(MOST).read_to_string(&mut text)?,
            _ => io::stdin().lock().take(MOST).read_to_string(&mut text)?,
        };
        let text = Secret::new(text);
        let lines = text.expose().lines().filter(|line| !line.is_empty());
        Ok(Self::Written(lines.map(|line| Secret::new(line.to_owned())).collect::<Vec<_>>().into_iter()))
    }

    /// The next; `None` where nothing more was written.
    ///
    /// # Errors
    /// The terminal's.
    pub(crate) fn next(&mut self, what: &str) -> io::Result<Option<Secret>> {
        match self {
            Self::Asked => ask(what).map(Some),
            Self::Written(lines) => Ok(lines.next()),
        }
    }

    /// Whether somebody types, without seeing it.
    pub(crate) fn are_typed(&self) -> bool {
        matches!(self, Self::Asked)
    }
}
