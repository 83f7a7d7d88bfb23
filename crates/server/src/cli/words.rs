//! The help in two languages. Italian stands at each verb and option; `english.txt` has what it is in English, a line of
//! the one below a line of the other.

use std::error::Error;
use std::ffi::OsStr;

use clap::builder::{Str, TypedValueParser};
use clap::error::{ContextKind, ContextValue};
use clap::{Arg, Command};
use sigillo_admin::Lang;

use super::OPTIONS;
use crate::complaint;

/// Pairs of lines, an empty line between them.
const ENGLISH: &str = include_str!("english.txt");

/// The language that the arguments or the environment ask for: the help needs to know it before they are read.
pub(super) fn asked() -> Lang {
    let mut arguments = std::env::args();
    let mut said = std::env::var("SIGILLO_LANG").ok();
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--lang") {
            Some("") => said = arguments.next(),
            Some(value) if value.starts_with('=') => said = Some(value[1..].to_owned()),
            _ => {}
        }
    }
    said.and_then(|lang| lang.parse().ok()).unwrap_or_default()
}

/// The command line with its help in this language, on every level.
pub(super) fn speak(command: Command, lang: Lang) -> Command {
    let template = lang.pick(
        "{about-with-newline}\nUso: {usage}\n\n{all-args}{after-help}",
        "{about-with-newline}\nUsage: {usage}\n\n{all-args}{after-help}",
    );
    let (about, long) =
        (command.get_about().map(ToString::to_string), command.get_long_about().map(ToString::to_string));
    let mut command = command
        .help_template(template)
        .subcommand_help_heading(lang.pick("Comandi", "Commands"))
        .subcommand_value_name(lang.pick("COMANDO", "COMMAND"))
        .mut_args(|arg| argument(arg, lang))
        .disable_help_subcommand(true);
    if let Some(about) = about {
        command = command.about(say(&about, lang));
    }
    if let Some(long) = long {
        command = command.long_about(say(&long, lang));
    }
    command.mut_subcommands(|verb| speak(verb, lang))
}

fn argument(mut arg: Arg, lang: Lang) -> Arg {
    let heading = if arg.is_positional() { lang.pick("Argomenti", "Arguments") } else { lang.pick(OPTIONS, "Options") };
    arg = arg.help_heading(heading);
    if let Some(help) = arg.get_help().map(ToString::to_string) {
        arg = arg.help(say(&help, lang));
    }
    if let Some(help) = arg.get_long_help().map(ToString::to_string) {
        arg = arg.long_help(say(&help, lang));
    }
    let named = |name: &Str| english(name.as_str()).map_or_else(|| name.clone(), Str::from);
    match arg.get_value_names().map(|names| names.iter().map(named).collect::<Vec<_>>()) {
        Some(names) if lang == Lang::En => arg.value_names(names),
        _ => arg,
    }
}

/// A text in this language, line by line. What has no English stays as it is.
fn say(text: &str, lang: Lang) -> String {
    let said = |line| if lang == Lang::En { english(line).unwrap_or(line) } else { line };
    text.split('\n').map(said).collect::<Vec<_>>().join("\n")
}

fn english(italian: &str) -> Option<&'static str> {
    pairs().find(|(line, _)| *line == italian).map(|(_, english)| english)
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    ENGLISH.split("\n\n").filter_map(|pair| pair.trim_matches('\n').split_once('\n'))
}

/// The error with what a parser of ours says of a value in this language: clap asks for its `Display`, which is Italian.
pub(super) fn told(error: clap::Error, lang: Lang) -> clap::Error {
    let said = error.source().and_then(complaint::known);
    let (Some(said), Some(ContextValue::String(value))) = (said, error.get(ContextKind::InvalidValue)) else {
        return error;
    };
    let why = said.pick(lang).to_owned();
    let refuse = move |_: &str| Err::<(), _>(why.clone());
    let Err(mut told) = refuse.parse_ref(&super::command(lang), None, OsStr::new(value)) else { return error };
    if let Some(argument) = error.get(ContextKind::InvalidArg) {
        told.insert(ContextKind::InvalidArg, argument.clone());
    }
    told
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    /// Lines of help, and names of values, which may be the same in both languages.
    fn lines(command: &Command, help: &mut BTreeSet<String>, values: &mut BTreeSet<String>) {
        let mut add = |text: Option<String>| {
            help.extend(text.iter().flat_map(|t| t.lines()).filter(|l| !l.is_empty()).map(str::to_owned))
        };
        add(command.get_about().map(ToString::to_string));
        add(command.get_long_about().map(ToString::to_string));
        for arg in command.get_arguments() {
            add(arg.get_help().map(ToString::to_string));
            add(arg.get_long_help().map(ToString::to_string));
            values.extend(arg.get_value_names().into_iter().flatten().map(ToString::to_string));
        }
        for verb in command.get_subcommands() {
            lines(verb, help, values);
        }
    }

    #[test]
    fn every_line_of_help_has_its_english_and_nothing_else_has() {
        let (mut help, mut values) = (BTreeSet::new(), BTreeSet::new());
        lines(&Cli::command(), &mut help, &mut values);
        let missing: Vec<_> = help.iter().filter(|line| english(line).is_none()).collect();
        assert!(missing.is_empty(), "without a pair in english.txt:\n{missing:#?}");
        let idle: Vec<_> = pairs().filter(|(line, _)| !help.contains(*line) && !values.contains(*line)).collect();
        assert!(idle.is_empty(), "in english.txt, and nowhere in the help:\n{idle:#?}");
        let twice = pairs().count() - pairs().map(|(line, _)| line).collect::<BTreeSet<_>>().len();
        assert_eq!(twice, 0, "pairs that are there twice");
    }
}
