//! LIST (RFC 3501 §6.3.8) with LIST-EXTENDED (RFC 5258), LIST-STATUS (RFC 5819), CHILDREN (RFC 3348) and SPECIAL-USE
//! (RFC 6154).

use std::collections::{BTreeMap, BTreeSet};

use crate::command::{Command, status};
use crate::cursor::{Cursor, Problem, Read, inbox};
use crate::enabled::Enabled;
use crate::work::{Done, Step, Work};
use crate::{Attribute, DELIMITER, FolderInfo, ListOptions, Refusal, Request, StatusItem, text};

/// Octets of the patterns with their reference: matching takes time in proportion.
const MAX_PATTERN: usize = 1024;

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    args.space()?;
    let mut options = None;
    if args.eat(b'(') {
        args.needs("LIST-EXTENDED")?;
        options = Some(selection(args)?);
        args.space()?;
    }
    let reference = args.pattern()?;
    args.space()?;
    let mut patterns = Vec::new();
    if args.eat(b'(') {
        args.needs("LIST-EXTENDED")?;
        options.get_or_insert_default();
        loop {
            patterns.push(args.pattern()?);
            if args.eat(b')') {
                break;
            }
            args.space()?;
        }
    } else {
        patterns.push(args.pattern()?);
    }
    short_enough(&reference, &patterns)?;
    if args.eat_text(" RETURN (") {
        args.needs("LIST-EXTENDED")?;
        returned(args, options.get_or_insert_default())?;
    }
    Ok(Command::Request(Request::List { reference, patterns, options }))
}

/// `SUBSCRIBED RECURSIVEMATCH)`
fn selection(args: &mut Cursor<'_>) -> Read<ListOptions> {
    let mut options = ListOptions::default();
    args.words(|args, word| {
        match word {
            // What is subscribed is told as such (RFC 5258 §3.1).
            "SUBSCRIBED" => (options.subscribed, options.tell_subscribed) = (true, true),
            "SPECIAL-USE" => {
                args.needs("SPECIAL-USE")?;
                options.special_use = true;
            }
            "RECURSIVEMATCH" => options.recursive = true,
            // Every folder is here.
            "REMOTE" => {}
            _ => return Err(Problem::Bad("Unknown selection option")),
        }
        Ok(())
    })?;
    if options.recursive && !options.subscribed && !options.special_use {
        return Err(Problem::Bad("RECURSIVEMATCH goes with another option"));
    }
    Ok(options)
}

/// `CHILDREN STATUS (MESSAGES))`. Children and special uses are told always.
fn returned(args: &mut Cursor<'_>, options: &mut ListOptions) -> Read<()> {
    args.words(|args, word| {
        match word {
            "SUBSCRIBED" => options.tell_subscribed = true,
            "CHILDREN" => {}
            "SPECIAL-USE" => args.needs("SPECIAL-USE")?,
            "MYRIGHTS" => {
                args.needs("LIST-MYRIGHTS")?;
                options.my_rights = true;
            }
            "STATUS" => {
                args.needs("LIST-STATUS")?;
                args.space()?;
                options.status = status::items(args)?;
            }
            _ => return Err(Problem::Bad("Unknown return option")),
        }
        Ok(())
    })
}

/// A reference and a pattern.
pub fn arguments(args: &mut Cursor<'_>) -> Read<(String, String)> {
    args.space()?;
    let reference = args.pattern()?;
    args.space()?;
    let pattern = args.pattern()?;
    short_enough(&reference, std::slice::from_ref(&pattern))?;
    Ok((reference, pattern))
}

fn short_enough(reference: &str, patterns: &[String]) -> Read<()> {
    let length: usize = patterns.iter().map(|pattern| pattern.len() + reference.len()).sum();
    if length > MAX_PATTERN { Err(Problem::Bad("Pattern too long")) } else { Ok(()) }
}

pub fn run(
    reference: &str,
    patterns: &[String],
    options: Option<&ListOptions>,
    work: &mut Work<'_>,
) -> Result<Step, Problem> {
    if options.is_none() && patterns.iter().all(String::is_empty) {
        work.line(&format!("* LIST (\\Noselect) \"{DELIMITER}\" \"\""));
        return Done::ok("LIST completed").step();
    }
    let plain = ListOptions::default();
    let options = options.unwrap_or(&plain);
    if options.status.contains(&StatusItem::HighestModSeq) {
        work.enable_condstore();
    }
    let mut folders = work.boxes.list()?;
    if options.subscribed {
        folders.extend(work.boxes.subscriptions()?.into_iter().map(FolderInfo::missing));
    }
    let patterns: Vec<String> = patterns.iter().map(|pattern| inbox(&format!("{reference}{pattern}"))).collect();
    let special = |f: &FolderInfo| f.attributes.iter().any(|a| Attribute::USES.contains(a));
    let selected = |f: &FolderInfo| (!options.subscribed || f.subscribed) && (!options.special_use || special(f));
    let parents = match options {
        ListOptions { recursive: true, .. } => Parents::All,
        ListOptions { subscribed: false, special_use: false, .. } => Parents::Percent,
        _ => Parents::None,
    };
    let on = *work.enabled;
    for found in matching(&folders, &patterns, selected, parents) {
        let line = found.line(options, on);
        work.line(&line);
        let Some(folder) = found.folder.filter(|_| found.selected) else { continue };
        if let Some(numbers) = folder.status.as_ref().filter(|_| !options.status.is_empty()) {
            work.line(&status::line(&folder.name, &options.status, numbers, on));
        }
        if options.my_rights && folder.is_there() {
            work.line(&super::myrights::line(&folder.name, folder.rights, on));
        }
    }
    Done::ok("LIST completed").step()
}

/// Which names are told for what lies below them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parents {
    /// None.
    None,
    /// For a pattern that ends in `%`, those that match.
    Percent,
    /// All that match.
    All,
}

/// A name that LIST or LSUB shows.
#[derive(Debug)]
pub struct Found<'f> {
    /// The name.
    pub name: &'f str,
    /// The folder, unless it is only a level above one.
    pub folder: Option<&'f FolderInfo>,
    /// It is one of those that were asked for; otherwise only something below it is.
    pub selected: bool,
    /// There are folders below it.
    has_children: bool,
    /// Some of them were asked for.
    above: bool,
}

impl Found<'_> {
    /// What is said of it; `missing` of what is not there.
    pub fn attributes(&self, missing: &'static str) -> Vec<&'static str> {
        let mut attributes = match self.folder {
            Some(folder) => folder.attributes.iter().map(|a| a.as_str()).collect(),
            None => vec![missing],
        };
        let may = |folder: &FolderInfo| folder.is_there() && !folder.attributes.contains(&Attribute::NoInferiors);
        if self.has_children {
            attributes.push("\\HasChildren");
        } else if self.folder.is_some_and(may) {
            attributes.push("\\HasNoChildren");
        }
        attributes
    }

    fn line(&self, options: &ListOptions, on: Enabled) -> String {
        let extended = *options != ListOptions::default();
        let mut attributes = self.attributes(if extended { "\\NonExistent" } else { "\\Noselect" });
        if options.tell_subscribed && self.folder.is_some_and(|f| f.subscribed) {
            attributes.push("\\Subscribed");
        }
        let mut info = String::new();
        if options.recursive && self.above {
            let selected = [("\"SUBSCRIBED\"", options.subscribed), ("\"SPECIAL-USE\"", options.special_use)];
            let names: Vec<&str> = selected.into_iter().filter(|s| s.1).map(|s| s.0).collect();
            info = format!(" (\"CHILDINFO\" ({}))", names.join(" "));
        }
        response(self.name, &attributes, on) + &info
    }

    /// The response that nobody's LIST asked for, without its end: all that is known, with the name before. A folder that
    /// the user may not read has `\NoAccess` (RFC 5465 §3.1).
    pub fn told(&self, old: Option<&str>, on: Enabled) -> String {
        let mut attributes = self.attributes("\\NonExistent");
        attributes.extend(self.folder.is_some_and(|f| f.subscribed).then_some("\\Subscribed"));
        attributes.extend(self.folder.is_some_and(|f| f.status.is_none()).then_some("\\NoAccess"));
        let old = old.map(|old| format!(" (\"OLDNAME\" ({}))", text::mailbox(old, on)));
        response(self.name, &attributes, on) + old.as_deref().unwrap_or_default()
    }
}

/// The response about a name, without its end.
pub fn response(name: &str, attributes: &[&str], on: Enabled) -> String {
    format!("* LIST ({}) \"{DELIMITER}\" {}", attributes.join(" "), text::mailbox(name, on))
}

/// The LIST response of one folder, which a client of RFC 9051 gets with SELECT (§6.3.2) and, with the name that it had,
/// with RENAME (§6.3.6).
pub fn one(name: &str, old: Option<&str>, work: &mut Work<'_>) -> Result<(), Refusal> {
    let folders = work.boxes.list()?;
    if let Some(found) = every(&folders).iter().find(|found| found.folder.is_some() && found.name == name) {
        let line = found.told(old, *work.enabled);
        work.line(&line);
    }
    Ok(())
}

/// Every folder, and every level above one.
pub fn every(folders: &[FolderInfo]) -> Vec<Found<'_>> {
    matching(folders, &["*".to_owned()], |_| true, Parents::All)
}

/// The names that match one of the patterns, INBOX first: folders of which `selected` holds, and the levels above them
/// as `parents` says.
pub fn matching<'f>(
    folders: &'f [FolderInfo],
    patterns: &[String],
    selected: impl Fn(&FolderInfo) -> bool,
    parents: Parents,
) -> Vec<Found<'f>> {
    let mut names: BTreeMap<(bool, &str), Option<&FolderInfo>> = BTreeMap::new();
    let (mut with_children, mut with_selected) = (BTreeSet::new(), BTreeSet::new());
    for folder in folders {
        names.insert((folder.name != "INBOX", &folder.name), Some(folder));
        for parent in above(&folder.name) {
            names.entry((parent != "INBOX", parent)).or_insert(None);
            if folder.is_there() {
                with_children.insert(parent);
            }
            if selected(folder) {
                with_selected.insert(parent);
            }
        }
    }
    let show = |((_, name), folder): ((bool, &'f str), Option<&'f FolderInfo>)| {
        let mut matching = patterns.iter().filter(|pattern| matches(pattern, name)).peekable();
        matching.peek()?;
        let (selected, above) = (folder.is_some_and(&selected), with_selected.contains(name));
        let shown = match parents {
            Parents::None => selected,
            Parents::Percent => selected || (above && matching.any(|pattern| pattern.ends_with('%'))),
            Parents::All => selected || above,
        };
        shown.then(|| Found { name, folder, selected, has_children: with_children.contains(name), above })
    };
    names.into_iter().filter_map(show).collect()
}

/// The names above a name.
fn above(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices(DELIMITER).map(|(at, _)| &name[..at])
}

/// `*` stands for anything, `%` for anything without a delimiter. Takes time in proportion to the product of the
/// lengths, whatever the pattern.
fn matches(pattern: &str, name: &str) -> bool {
    let name: Vec<char> = name.chars().collect();
    let mut reached = vec![false; name.len() + 1];
    reached[0] = true;
    for p in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        match p {
            '*' | '%' => {
                let mut open = false;
                for at in 0..=name.len() {
                    open = reached[at] || (open && !(p == '%' && name[at - 1] == DELIMITER));
                    next[at] = open;
                }
            }
            _ => (0..name.len()).filter(|at| reached[*at] && name[*at] == p).for_each(|at| next[at + 1] = true),
        }
        reached = next;
    }
    reached[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> FolderInfo {
        FolderInfo { name: name.into(), ..FolderInfo::default() }
    }

    #[test]
    fn wildcards() {
        for (pattern, name, yes) in [
            ("*", "a/b", true),
            ("%", "a/b", false),
            ("%", "a", true),
            ("%/%", "a/b", true),
            ("a%", "a/b", false),
            ("*b", "a/b", true),
            ("a/%", "a", false),
            ("INBOX", "INBOX", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), yes, "{pattern} {name}");
        }
        assert!(!matches(&format!("{}b", "*%".repeat(5000)), &"a".repeat(500)), "and soon enough");
    }

    #[test]
    fn parents_that_are_no_folders() {
        let folders = [folder("Archivio/2026"), folder("INBOX"), folder("Bozze")];
        let names = |p: &str| -> Vec<(String, Vec<&str>)> {
            let found = matching(&folders, &[inbox(p)], |_| true, Parents::Percent);
            found.iter().map(|found| (found.name.to_owned(), found.attributes("\\Noselect"))).collect()
        };
        assert_eq!(
            names("%"),
            [
                ("INBOX".into(), vec!["\\HasNoChildren"]),
                ("Archivio".into(), vec!["\\Noselect", "\\HasChildren"]),
                ("Bozze".into(), vec!["\\HasNoChildren"]),
            ]
        );
        assert_eq!(names("inbox"), [("INBOX".into(), vec!["\\HasNoChildren"])]);
        assert_eq!(names("Archivio/%").len(), 1);
    }
}
