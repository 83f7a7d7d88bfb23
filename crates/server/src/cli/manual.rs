//! `sigillo man` and `sigillo completions`: what a distribution puts beside the program, made of its own help.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_complete::Shell;
use clap_mangen::Man;
use sigillo_admin::Lang;
use sigillo_base::Said;

use super::{Exit, command, complain};
use crate::out;

#[derive(Debug, Clone, clap::Args)]
pub(super) struct ManArgs {
    /// La cartella; si crea se non c'è
    dir: PathBuf,
}

#[derive(Debug, Clone, clap::Args)]
pub(super) struct CompletionsArgs {
    /// La shell: bash, zsh, fish, elvish, powershell
    #[arg(value_enum, hide_possible_values = true)]
    shell: Shell,
}

/// A page for the program and one for each verb, in the language of the command line.
pub(super) fn man(args: &ManArgs, lang: Lang) -> Exit {
    match pages(lang).and_then(|pages| write(&args.dir, &pages)) {
        Ok(()) => Exit::Fine,
        Err(error) => complain(Said::verbatim(error).about(args.dir.display()), lang, Exit::False),
    }
}

/// The script on standard output.
pub(super) fn completions(args: &CompletionsArgs, lang: Lang) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command(lang), "sigillo", &mut script);
    out::say(String::from_utf8_lossy(&script).trim_end());
    Exit::Fine
}

fn write(dir: &Path, pages: &[(String, String)]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    pages.iter().try_for_each(|(name, page)| fs::write(dir.join(name), page))
}

/// File names and pages.
fn pages(lang: Lang) -> io::Result<Vec<(String, String)>> {
    let (mut program, mut pages) = (command(lang), Vec::new());
    program.build();
    add(&program, &mut Vec::new(), lang, &mut pages)?;
    Ok(pages)
}

fn add(verb: &Command, above: &mut Vec<String>, lang: Lang, pages: &mut Vec<(String, String)>) -> io::Result<()> {
    let name = verb.get_display_name().unwrap_or_else(|| verb.get_name()).to_owned();
    pages.push((format!("{name}.1"), page(verb, &name, above, lang)?));
    above.push(name);
    for below in verb.get_subcommands() {
        add(below, above, lang, pages)?;
    }
    above.pop();
    Ok(())
}

/// The sections that clap_mangen makes, under headings of the language, and where to read on.
fn page(verb: &Command, name: &str, above: &[String], lang: Lang) -> io::Result<String> {
    let version = concat!("sigillo ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(verb.clone()).title(name.to_uppercase()).source(version).manual("Sigillo").date(" ");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if verb.has_subcommands() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    let mut page = String::from_utf8_lossy(&page).into_owned();
    if lang == Lang::It {
        for (english, italian) in FRAME {
            page = page.replace(english, italian);
        }
    }
    if !above.is_empty() {
        page.push_str(lang.pick(".SH \"VEDERE ANCHE\"\n", ".SH \"SEE ALSO\"\n"));
        let all: Vec<_> = above.iter().map(|name| format!("\\fB{}\\fR(1)", name.replace('-', "\\-"))).collect();
        page.push_str(&all.join(", "));
        page.push('\n');
    }
    Ok(page)
}

/// What clap_mangen says in English alone.
const FRAME: [(&str, &str); 7] = [
    (".SH NAME\n", ".SH NOME\n"),
    (".SH SYNOPSIS\n", ".SH SINTASSI\n"),
    (".SH DESCRIPTION\n", ".SH DESCRIZIONE\n"),
    ("May also be specified with the ", "Si può dare anche con la variabile d'ambiente "),
    (" environment variable. ", "."),
    ("Possible values:", "Valori possibili:"),
    ("[default: ", "[predefinito: "),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn verbs(command: &Command, path: &str, all: &mut Vec<String>) {
        all.push(format!("{path}.1"));
        for verb in command.get_subcommands() {
            verbs(verb, &format!("{path}-{}", verb.get_name()), all);
        }
    }

    #[test]
    fn every_verb_has_its_page_in_both_languages() {
        let mut wanted = Vec::new();
        verbs(&command(Lang::It), "sigillo", &mut wanted);
        assert!(wanted.len() > 60 && wanted.contains(&"sigillo-person-totp-reset.1".to_owned()), "{wanted:?}");
        for (lang, mine, other) in
            [(Lang::It, [".SH NOME", ".SH OPZIONI"], "OPTIONS"), (Lang::En, [".SH NAME", ".SH OPTIONS"], "OPZIONI")]
        {
            let pages = pages(lang).unwrap();
            assert_eq!(pages.iter().map(|(name, _)| name).collect::<Vec<_>>(), wanted.iter().collect::<Vec<_>>());
            for (name, page) in pages {
                assert!(mine.iter().all(|heading| page.contains(heading)) && !page.contains(other), "{name}: {page}");
            }
        }
    }

    #[test]
    fn a_page_tells_what_the_help_tells() {
        let pages = pages(Lang::It).unwrap();
        let page = |name: &str| &pages.iter().find(|(n, _)| n == name).unwrap().1;
        assert!(page("sigillo-serve.1").contains("/etc/sigillo/sigillo.toml"), "{}", page("sigillo-serve.1"));
        assert!(page("sigillo-status.1").contains("variabile d'ambiente"), "{}", page("sigillo-status.1"));
        assert!(page("sigillo.1").contains("sigillo\\-mailbox(1)"), "{}", page("sigillo.1"));
    }
}
