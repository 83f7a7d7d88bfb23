//! Folders of an account and what they are called here.

use sigillo_imap::client::Listed;
use sigillo_wire::utf7;

use crate::api::FolderUse;

/// What separates the levels of a name here.
const DELIMITER: char = '/';
const INBOX: &str = "INBOX";
/// Special uses that a folder of one's own may have (RFC 6154).
const USES: [&str; 5] = ["\\Sent", "\\Drafts", "\\Trash", "\\Junk", "\\Archive"];

/// A folder of the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Its name as that server writes it.
    pub wire: Vec<u8>,
    /// The same for a person.
    pub there: String,
    /// Its full name here.
    pub name: String,
    /// Its special use.
    pub special_use: Option<String>,
    /// Whether it is subscribed.
    pub subscribed: bool,
}

/// The folders that hold messages, with names of their own here. A folder with a special use goes to the one that has this
/// use here, if no other folder of the account bears its name.
///
/// # Errors
/// Two folders would have one name: both as they are there.
pub fn mapped(listed: &[Listed], subscribed: &[Vec<u8>], uses: &[FolderUse]) -> Result<Vec<Origin>, (String, String)> {
    let prefix = inbox_prefix(listed);
    let mut origins: Vec<Origin> = Vec::new();
    for folder in listed {
        if folder.is("\\Noselect") || folder.is("\\NonExistent") || origins.iter().any(|o| o.wire == folder.wire) {
            continue;
        }
        let there = readable(&folder.wire);
        let special_use = USES.into_iter().find(|word| folder.is(word)).map(str::to_owned);
        let name = here(&there, folder.delimiter, prefix);
        let subscribed = subscribed.contains(&folder.wire);
        origins.push(Origin { wire: folder.wire.clone(), there, name, special_use, subscribed });
    }
    let names: Vec<String> = origins.iter().map(|o| o.name.clone()).collect();
    for origin in origins.iter_mut().filter(|o| o.name != INBOX) {
        let same = |u: &&FolderUse| origin.special_use.as_ref().is_some_and(|s| s.eq_ignore_ascii_case(&u.special_use));
        if let Some(there) = uses.iter().find(same).filter(|u| !names.contains(&u.name)) {
            origin.name.clone_from(&there.name);
        }
    }
    for (at, one) in origins.iter().enumerate() {
        if let Some(other) = origins[..at].iter().find(|o| o.name == one.name) {
            return Err((other.there.clone(), one.there.clone()));
        }
    }
    Ok(origins)
}

/// Modified UTF-7; a server that does not keep to it is taken at its word.
fn readable(wire: &[u8]) -> String {
    utf7::decode(wire).unwrap_or_else(|| String::from_utf8_lossy(wire).into_owned())
}

/// Where every folder lies below the INBOX (`INBOX.Sent`, as Courier has them), that prefix means nothing.
fn inbox_prefix(listed: &[Listed]) -> Option<char> {
    let delimiter = listed.iter().find_map(|folder| folder.delimiter)?;
    let below = format!("{INBOX}{delimiter}");
    let mut others =
        listed.iter().map(|f| readable(&f.wire)).filter(|name| !name.eq_ignore_ascii_case(INBOX)).peekable();
    let is_below = |name: String| name.get(..below.len()).is_some_and(|start| start.eq_ignore_ascii_case(&below));
    (others.peek().is_some() && others.all(is_below)).then_some(delimiter)
}

fn here(there: &str, delimiter: Option<char>, prefix: Option<char>) -> String {
    let mut levels: Vec<String> = match delimiter {
        // A level may hold what separates levels here.
        Some(d) => there.split(d).map(|level| level.replace(DELIMITER, "_")).collect(),
        None => vec![there.replace(DELIMITER, "_")],
    };
    if levels[0].eq_ignore_ascii_case(INBOX) {
        INBOX.clone_into(&mut levels[0]);
        if levels.len() > 1 && prefix.is_some() {
            levels.remove(0);
        }
    }
    levels.join(&DELIMITER.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(wire: &str, delimiter: char, attributes: &[&str]) -> Listed {
        let attributes = attributes.iter().map(|a| (*a).to_owned()).collect();
        Listed { wire: wire.as_bytes().to_vec(), delimiter: Some(delimiter), attributes }
    }

    fn names(all: &[Listed], uses: &[FolderUse]) -> Vec<String> {
        mapped(all, &[], uses).unwrap().into_iter().map(|o| o.name).collect()
    }

    #[test]
    fn names_are_those_of_here() {
        let all = [
            listed("inbox", '.', &[]),
            listed("Archivio.Perch&AOk- 1/2", '.', &[]),
            listed("Archivio", '.', &["\\noselect"]),
            listed("Città", '.', &[]),
        ];
        assert_eq!(names(&all, &[]), ["INBOX", "Archivio/Perché 1_2", "Città"]);
        let courier = [listed("INBOX", '.', &[]), listed("INBOX.Sent", '.', &[]), listed("INBOX.a.b", '.', &[])];
        assert_eq!(names(&courier, &[]), ["INBOX", "Sent", "a/b"]);
        assert_eq!(names(&[listed("INBOX/x", '/', &[]), listed("y", '/', &[])], &[]), ["INBOX/x", "y"]);
    }

    #[test]
    fn a_special_use_finds_its_folder_and_no_two_share_one() {
        let uses = [FolderUse { name: "Inviata".to_owned(), special_use: "\\Sent".to_owned() }];
        let sent = listed("Sent", '/', &["\\SENT"]);
        assert_eq!(names(&[listed("INBOX", '/', &[]), sent.clone()], &uses), ["INBOX", "Inviata"]);
        assert_eq!(names(&[sent.clone(), listed("Inviata", '/', &[])], &uses), ["Sent", "Inviata"]);
        assert_eq!(names(std::slice::from_ref(&sent), &[]), ["Sent"]);
        let twice = mapped(&[listed("a/b", '.', &[]), listed("a_b", '.', &[])], &[], &[]);
        assert_eq!(twice, Err(("a/b".to_owned(), "a_b".to_owned())));
    }
}
