//! LIST (RFC 3501 §6.3.8) with CHILDREN (RFC 3348) and SPECIAL-USE (RFC 6154).

use std::collections::{BTreeMap, BTreeSet};

use crate::command::Command;
use crate::cursor::{Cursor, Problem, Read, inbox};
use crate::work::{Done, Step, Work};
use crate::{Attribute, DELIMITER, FolderInfo, Request, text};

pub fn read(args: &mut Cursor<'_>) -> Read<Command> {
    let (reference, pattern) = arguments(args)?;
    Ok(Command::Request(Request::List { reference, patterns: vec![pattern] }))
}

/// Octets of a pattern with its reference: matching takes time in proportion.
const MAX_PATTERN: usize = 1024;

/// A reference and a pattern.
pub fn arguments(args: &mut Cursor<'_>) -> Read<(String, String)> {
    args.space()?;
    let reference = args.pattern()?;
    args.space()?;
    let pattern = args.pattern()?;
    if reference.len() + pattern.len() > MAX_PATTERN {
        return Err(Problem::Bad("Pattern too long"));
    }
    Ok((reference, pattern))
}

pub fn run(reference: &str, patterns: &[String], work: &mut Work<'_>) -> Result<Step, Problem> {
    if patterns.iter().all(String::is_empty) {
        work.line(&format!("* LIST (\\Noselect) \"{DELIMITER}\" \"\""));
        return Done::ok("LIST completed").step();
    }
    let folders = work.boxes.list()?;
    for pattern in patterns {
        for (name, attributes) in matching(&folders, &format!("{reference}{pattern}"), |_| true) {
            work.line(&format!("* LIST ({}) \"{DELIMITER}\" {}", attributes.join(" "), text::mailbox(&name)));
        }
    }
    Done::ok("LIST completed").step()
}

/// The folders of which `shown` holds and that match, INBOX first, with their attributes; and, for a pattern that
/// ends in `%`, the levels above them that match and are not shown themselves.
pub fn matching(
    folders: &[FolderInfo],
    pattern: &str,
    shown: impl Fn(&FolderInfo) -> bool,
) -> Vec<(String, Vec<&'static str>)> {
    let pattern = inbox(pattern);
    let mut parents = BTreeSet::new();
    for folder in folders {
        parents.extend(above(&folder.name));
    }
    let mut found: BTreeMap<(bool, String), Vec<&'static str>> = BTreeMap::new();
    for folder in folders.iter().filter(|f| shown(f)) {
        if matches(&pattern, &folder.name) {
            let mut attributes: Vec<&str> = folder.attributes.iter().map(|a| a.as_str()).collect();
            let has_children = parents.contains(folder.name.as_str());
            if has_children || !folder.attributes.contains(&Attribute::NoInferiors) {
                attributes.push(if has_children { "\\HasChildren" } else { "\\HasNoChildren" });
            }
            found.insert((folder.name != "INBOX", folder.name.clone()), attributes);
        }
        for parent in above(&folder.name).filter(|p| pattern.ends_with('%') && matches(&pattern, p)) {
            let key = (parent != "INBOX", parent.to_owned());
            found.entry(key).or_insert_with(|| vec!["\\Noselect", "\\HasChildren"]);
        }
    }
    found.into_iter().map(|((_, name), attributes)| (name, attributes)).collect()
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
        let names = |p: &str| matching(&folders, p, |_| true);
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
