//! Maildir++: names of folders, of files and of keywords. Messages lie in `cur` and `new` of the mailbox, which is its
//! INBOX, and of folders `.A.B` beside them. Flags are as IMAP writes them.

use sigillo_base::Timestamp;
use sigillo_wire::utf7;

/// The character between the levels of a folder's name, as IMAP shows it here.
const DELIMITER: char = '/';
/// What the name of a file cannot show within a level, as Dovecot escapes it (its plugin `listescape`): others open such a
/// folder under the name that lies on the disk, which they do not when it is no modified UTF-7. The backslash first.
const ESCAPES: [(&str, &str); 2] = [("\\", "\\5c"), (".", "\\2e")];
/// A point within a level as Courier writes it.
const COURIER_POINT: &str = "&AC4-";
/// Letters of flags, in the order in which a name lists them.
const LETTERS: [(char, &str); 5] =
    [('D', "\\Draft"), ('F', "\\Flagged"), ('R', "\\Answered"), ('S', "\\Seen"), ('T', "\\Deleted")];
/// Letters that stand for keywords, `a` to `z`.
pub const KEYWORDS: usize = 26;

/// One level of a folder's name as the name of a file: modified UTF-7 without a point.
pub fn level(name: &str) -> String {
    ESCAPES.iter().fold(utf7::encode(name), |file, (plain, escaped)| file.replace(plain, escaped))
}

/// What [`level`] was made of; a name that is no modified UTF-7 is taken as it stands.
pub fn level_of(file: &str) -> String {
    let file = file.replace(COURIER_POINT, ".");
    let file = ESCAPES.iter().rev().fold(file, |file, (plain, escaped)| file.replace(escaped, plain));
    utf7::decode(file.as_bytes()).unwrap_or(file)
}

/// The name of the folder's directory: `.A.B`; the INBOX has none of its own.
pub fn directory(folder: &str) -> String {
    if folder == "INBOX" {
        return String::new();
    }
    folder.split(DELIMITER).fold(String::new(), |name, part| name + "." + &level(part))
}

/// The folder of a directory in a Maildir++; `None` when it is none.
pub fn folder(directory: &str) -> Option<String> {
    let levels: Vec<String> = directory.strip_prefix('.')?.split('.').map(level_of).collect();
    levels.iter().all(|l| !l.is_empty()).then(|| levels.join(&DELIMITER.to_string()))
}

/// The flags in the name of a file: `…:2,FS`; letters `a` to `z` are keywords by their place.
pub fn flags(file: &str, keywords: &[String]) -> Vec<String> {
    let letters = file.rsplit_once(":2,").map_or("", |(_, letters)| letters);
    let keyword = |letter: char| keywords.get((letter as usize).checked_sub('a' as usize)?).filter(|k| !k.is_empty());
    let known = |letter: char| match LETTERS.iter().find(|(l, _)| *l == letter) {
        Some((_, flag)) => Some((*flag).to_owned()),
        None => keyword(letter).cloned(),
    };
    letters.split(',').next().unwrap_or_default().chars().filter_map(known).collect()
}

/// The name of a file in `cur`. Keywords that are new get the next letters; of more than [`KEYWORDS`] the others are
/// given back.
pub fn file_name(
    date: Timestamp,
    uid: u32,
    size: u64,
    flags: &[String],
    keywords: &mut Vec<String>,
) -> (String, Vec<String>) {
    let (mut letters, mut left) = (Vec::new(), Vec::new());
    for flag in flags {
        if let Some((letter, _)) = LETTERS.iter().find(|(_, f)| f == flag) {
            letters.push(*letter);
            continue;
        }
        let at = keywords.iter().position(|k| k == flag).unwrap_or(keywords.len());
        match ('a'..='z').nth(at) {
            Some(letter) => {
                if at == keywords.len() {
                    keywords.push(flag.clone());
                }
                letters.push(letter);
            }
            None => left.push(flag.clone()),
        }
    }
    letters.sort_unstable();
    let letters: String = letters.into_iter().collect();
    (format!("{}.U{uid}.sigillo,S={size}:2,{letters}", date.as_secs()), left)
}

/// The keywords of Dovecot's file `dovecot-keywords`: a number and a word on each line.
pub fn keywords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        let Some((number, word)) = line.split_once(' ') else { continue };
        let Some(at) = number.parse::<usize>().ok().filter(|n| *n < KEYWORDS) else { continue };
        if found.len() <= at {
            found.resize(at + 1, String::new());
        }
        found[at] = word.to_owned();
    }
    found
}

/// The file `dovecot-keywords` of these.
pub fn keywords_file(keywords: &[String]) -> String {
    keywords.iter().enumerate().map(|(at, word)| format!("{at} {word}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_names() {
        for (name, dir) in [
            ("INBOX", ""),
            ("Inviata", ".Inviata"),
            ("Archivio/2025/Perché", ".Archivio.2025.Perch&AOk-"),
            ("v1.0/..", ".v1\\2e0.\\2e\\2e"),
            ("a\\2e/\\.\\5c", ".a\\5c2e.\\5c\\2e\\5c5c"),
        ] {
            assert_eq!(directory(name), dir);
            assert!(dir.is_empty() || folder(dir).as_deref() == Some(name), "{dir}");
        }
        assert_eq!(folder(".Posta.Città").as_deref(), Some("Posta/Città"), "raw UTF-8");
        assert_eq!(folder(".v1&AC4-0").as_deref(), Some("v1.0"), "Courier's");
        for none in ["cur", "..", ".", ".a..b"] {
            assert_eq!(folder(none), None, "{none}");
        }
    }

    #[test]
    fn flags_of_others() {
        let words = keywords("0 $Forwarded\n2 Pratica\nx y\n99 z\n");
        assert_eq!(words, ["$Forwarded", "", "Pratica"]);
        let told = |name: &str| flags(name, &words).join(" ");
        assert_eq!(told("1773306901.M1P2.host,S=3:2,FSac"), "\\Flagged \\Seen $Forwarded Pratica");
        assert_eq!(told("1773306901.M1P2.host:2,Sbz"), "\\Seen", "letters without a word");
        assert_eq!(told("1773306901.M1P2.host"), "");
        assert_eq!(told("1773306901.M1P2.host:2,"), "");
    }

    #[test]
    fn more_keywords_than_letters_are_told() {
        let words: Vec<String> = (0..28).map(|n| format!("k{n:02}")).collect();
        let mut known = Vec::new();
        let (name, left) = file_name(Timestamp::from_millis(0), 1, 9, &words, &mut known);
        assert_eq!(left, ["k26", "k27"]);
        assert_eq!(flags(&name, &keywords(&keywords_file(&known))), words[..26]);
    }

    proptest! {
        #[test]
        fn a_folder_comes_back(levels in prop::collection::vec("[^/\\p{Cc}]{1,8}", 1..4)) {
            let name = levels.join("/");
            prop_assume!(name != "INBOX");
            let dir = directory(&name);
            prop_assert!(dir.is_ascii() && !dir.contains('/'));
            prop_assert_eq!(folder(&dir), Some(name));
        }

        #[test]
        fn flags_come_back(picked in prop::collection::btree_set(0..9usize, 0..9), date in 0..4_000_000_000i64) {
            let all = ["\\Draft", "\\Flagged", "\\Answered", "\\Seen", "\\Deleted", "$A", "b", "$MDNSent", "Z"];
            let given: Vec<String> = picked.iter().map(|n| all[*n].to_owned()).collect();
            let mut known = vec!["Z".to_owned()];
            let (name, left) = file_name(Timestamp::from_millis(date * 1000), 7, 12, &given, &mut known);
            prop_assert!(left.is_empty());
            let mut back = flags(&name, &keywords(&keywords_file(&known)));
            let mut given = given;
            back.sort();
            given.sort();
            prop_assert_eq!(back, given);
        }
    }
}
