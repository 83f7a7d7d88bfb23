use super::*;
use crate::search::grams::Needle;
use crate::search::plan::Source;
use crate::search::texts::Texts;
use crate::{Row, Summary};
use proptest::prelude::*;
use sigillo_base::Timestamp;

struct Kept(Summary);

impl Source for Kept {
    fn summary(&mut self) -> Result<Option<Summary>, Refusal> {
        Ok(Some(self.0.clone()))
    }
    fn may_hold(&mut self, _needle: &Needle) -> Result<bool, Refusal> {
        panic!("no thread asks for texts")
    }
    fn texts(&mut self, _octets: u32) -> Result<Option<Texts>, Refusal> {
        panic!("no thread reads a message")
    }
}

/// The threads of these headers, which come a second after another.
fn of(algorithm: Algorithm, headers: &[String]) -> String {
    let mut threader = Threader::new(algorithm);
    let mut found = Vec::new();
    for (index, header) in headers.iter().enumerate() {
        let date = Timestamp::from_millis(index as i64 * 1000);
        let row = Row { uid: 1, date, size: 1, ..Row::default() };
        let mut kept = Kept(Summary::of(format!("{header}\r\n").as_bytes()));
        assert_eq!(threader.take(&mut Candidate::new(index, &row, &mut kept)), Ok(true));
        found.push(Found { index, uid: 1, modseq: 0 });
    }
    threader.threads(&found, false)
}

/// A header: its subject, its identifier, what it answers.
fn header(subject: &str, id: &str, references: &[&str]) -> String {
    let references: String = references.iter().map(|id| format!(" <{id}@x>")).collect();
    format!("Subject: {subject}\r\nMessage-ID: <{id}@x>\r\nReferences:{references}\r\n")
}

fn references(messages: &[(&str, &str, &[&str])]) -> String {
    of(Algorithm::References, &messages.iter().map(|(s, id, refs)| header(s, id, refs)).collect::<Vec<_>>())
}

/// RFC 5256 §4: what such threads look like.
#[test]
fn the_examples_of_the_rfc() {
    let node = |node: usize| [2, 3, 6, 4, 23, 44, 7, 96].get(node).copied();
    let children = vec![vec![], vec![2], vec![3, 5], vec![4], vec![], vec![6], vec![7], vec![]];
    let threads = Threads { roots: vec![0, 1], children };
    assert_eq!(threads.written(node), "* THREAD (2)(3 6 (4 23)(44 7 96))");
    let threads = Threads { roots: vec![2], children: vec![vec![], vec![], vec![0, 1]] };
    assert_eq!(threads.written(|n| [3, 5].get(n).copied()), "* THREAD ((3)(5))");
    assert_eq!(Threads::default().written(|_| None), "* THREAD");
}

#[test]
fn by_subject() {
    let subjects = ["a", "b", "Re: a", "c", "re: B", "[Fwd: a]"];
    let headers: Vec<String> = subjects.iter().map(|s| format!("Subject: {s}\r\n")).collect();
    assert_eq!(of(Algorithm::OrderedSubject, &headers), "* THREAD (1 (3)(6))(2 5)(4)");
    assert_eq!(of(Algorithm::OrderedSubject, &[]), "* THREAD");
}

#[test]
fn by_references() {
    for (messages, expected) in [
        (
            &[("a", "1", &[][..]), ("re: a", "2", &["1"]), ("re: a", "3", &["1", "2"]), ("re: a", "4", &["1"])][..],
            "(1 (2 3)(4))",
        ),
        // The one that is answered is not here: its answers stay together.
        (&[("x", "2", &["1"]), ("y", "3", &["1"])], "((1)(2))"),
        (&[("x", "2", &["0", "1"]), ("y", "3", &["0", "1"])], "((1)(2))"),
        (&[("x", "2", &["1"])], "(1)"),
        // In any order of coming, and through somebody who is not here.
        (&[("re: a", "3", &["1", "2"]), ("a", "1", &[])], "(2 1)"),
        // Loops are not made.
        (&[("x", "1", &["2"]), ("y", "2", &["1"])], "(2 1)"),
        (&[("x", "1", &["1"])], "(1)"),
        (&[("x", "1", &["2", "3", "2"]), ("y", "2", &[]), ("z", "3", &[])], "(2 1)(3)"),
        // What it says itself is more than what others said of it.
        (&[("a", "3", &["1", "2"]), ("b", "1", &[]), ("c", "9", &[]), ("d", "2", &["9"])], "(2)(3 4 1)"),
        (&[("b", "1", &[]), ("a", "3", &["1", "2"]), ("d", "2", &[])], "(1)(3 2)"),
        // One identifier is one message's: the first's.
        (&[("x", "1", &[]), ("y", "1", &[]), ("z", "3", &["1"])], "(1 3)(2)"),
        // Subjects join what no reference does.
        (&[("a", "1", &[]), ("Re: a", "2", &[])], "(1 2)"),
        (&[("Re: a", "1", &[]), ("a", "2", &[])], "(2 1)"),
        (&[("a", "1", &[]), ("a", "2", &[])], "((1)(2))"),
        (&[("Re: a", "1", &[]), ("re: a", "2", &[]), ("RE: a", "3", &[])], "((1)(2)(3))"),
        (&[("", "1", &[]), ("Re:", "2", &[])], "(1)(2)"),
        // A dummy is preferred, and two dummies are one.
        (
            &[("a", "1", &["8"]), ("x", "2", &["8"]), ("a", "3", &["9"]), ("y", "4", &["9"]), ("a", "5", &[])],
            "((1)(2)(3)(4)(5))",
        ),
    ] {
        assert_eq!(references(messages), format!("* THREAD {expected}"), "{messages:?}");
    }
    let answer = "In-Reply-To: la vostra di ieri <1@x> <9@x>\r\nReferences: nulla\r\n".to_owned();
    assert_eq!(of(Algorithm::References, &[header("a", "1", &[]), answer]), "* THREAD (1 2)");
}

#[test]
fn by_conversation() {
    let headers = [
        header("a", "1", &[]),
        header("b", "2", &["0"]),
        "In-Reply-To: <1@x>\r\n".to_owned(),
        header("d", "4", &["7", "0"]),
        header("e", "5", &[]),
    ];
    assert_eq!(of(Algorithm::Conversation, &headers), "* THREAD (1 3)(2 4)(5)");
    // What is kept beside the header joins too.
    let mut threader = Threader::new(Algorithm::Conversation);
    for kin in [&["<0@x> <1@x>"][..], &[], &["<5@x>", "<9@x>"]] {
        let row = Row { uid: 1, size: 1, ..Row::default() };
        let mut summary = Summary::of(b"Message-ID: <9@x>\r\n\r\n");
        if kin.first() == Some(&"<0@x> <1@x>") {
            summary = Summary::of(b"\r\n");
        }
        summary.kin = kin.iter().map(|id| (*id).to_owned()).collect();
        threader.take(&mut Candidate::new(0, &row, &mut Kept(summary))).unwrap();
    }
    let found: Vec<Found> = (0..3).map(|index| Found { index, uid: 1, modseq: 0 }).collect();
    assert_eq!(threader.threads(&found, false), "* THREAD (1)(2 3)");
}

/// As the RFC says it, with recursion and without haste: for [`by_the_letter`].
#[derive(Default, Clone)]
struct Plain {
    parent: BTreeMap<usize, usize>,
}

impl Plain {
    fn link(&mut self, parent: usize, node: usize) {
        let mut above = Some(parent);
        while let Some(at) = above {
            if at == node {
                return;
            }
            above = self.parent.get(&at).copied();
        }
        self.parent.insert(node, parent);
    }
}

/// Steps (1) to (3) by the letter, as pairs of message and what it hangs on: a message, or a dummy that holds several.
fn by_the_letter(messages: &[(usize, Vec<usize>)]) -> Vec<(usize, Option<usize>)> {
    let mut plain = Plain::default();
    for (id, refs) in messages {
        for pair in refs.windows(2) {
            if !plain.parent.contains_key(&pair[1]) {
                plain.link(pair[0], pair[1]);
            }
        }
        plain.parent.remove(id);
        if let Some(last) = refs.last() {
            plain.link(*last, *id);
        }
    }
    let is_message = |node: &usize| messages.iter().any(|(id, _)| id == node);
    let over = |id: usize| {
        let mut at = plain.parent.get(&id).copied();
        let mut top = None;
        while let Some(node) = at {
            if is_message(&node) {
                return Some(node);
            }
            top = Some(node);
            at = plain.parent.get(&node).copied();
        }
        top
    };
    messages.iter().map(|(id, _)| (*id, over(*id))).collect()
}

proptest! {
    /// Identifiers 0 to 7 are those of messages, in this order, 8 to 11 of nobody; subjects are all different.
    #[test]
    fn as_the_steps_say(refs in prop::collection::vec(prop::collection::vec(0usize..12, 0..5), 1..8)) {
        let messages: Vec<(usize, Vec<usize>)> = refs.into_iter().enumerate().collect();
        let hung = by_the_letter(&messages);
        let headers: Vec<String> = messages.iter().map(|(id, refs)| {
            let refs: Vec<String> = refs.iter().map(usize::to_string).collect();
            header(&format!("s{id}"), &id.to_string(), &refs.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        // The same tree written by the slow one.
        let mut children: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut roots = Vec::new();
        for (id, over) in &hung {
            match over {
                Some(over) => children.entry(*over).or_default().push(*id),
                None => roots.push(*id),
            }
        }
        for (over, under) in &children {
            if *over >= messages.len() {
                roots.push(if under.len() == 1 { under[0] } else { *over });
            }
        }
        let head = |root: &usize| if *root < messages.len() { *root } else { children[root][0] };
        roots.sort_by_key(head);
        let nodes: Vec<Vec<usize>> = (0..12).map(|n| children.get(&n).cloned().unwrap_or_default()).collect();
        let slow = Threads { roots, children: nodes }.written(|n| (n < messages.len()).then_some(n + 1));
        prop_assert_eq!(of(Algorithm::References, &headers), slow);
    }

    /// Every message is in the answer once, and the parentheses close, whatever it says.
    #[test]
    fn nothing_is_lost(
        messages in prop::collection::vec(("(re: )?[ab]?", 0usize..9, prop::collection::vec(0usize..12, 0..5)), 0..12),
    ) {
        let headers: Vec<String> = messages.iter().map(|(subject, id, refs)| {
            let refs: Vec<String> = refs.iter().map(usize::to_string).collect();
            header(subject, &id.to_string(), &refs.iter().map(String::as_str).collect::<Vec<_>>())
        }).collect();
        for (_, algorithm) in Algorithm::ALL {
            let told = of(algorithm, &headers);
            let mut numbers: Vec<usize> =
                told.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
            numbers.sort_unstable();
            prop_assert_eq!(numbers, (1..=headers.len()).collect::<Vec<_>>(), "{}", told);
            prop_assert_eq!(told.matches('(').count(), told.matches(')').count());
        }
    }
}

/// Chains and crowds that would break what calls itself, or goes up a chain for each message.
#[test]
fn a_hundred_thousand_messages() {
    let count = 100_000;
    let ids = |n: usize, refs: Vec<usize>| Message { id: Some(n), refs, ..Message::default() };
    let chain: Vec<Message> = (0..count).map(|n| ids(n, if n == 0 { vec![] } else { vec![n - 1] })).collect();
    let backwards: Vec<Message> =
        (0..count).map(|n| ids(n, if n + 1 == count { vec![] } else { vec![n + 1] })).collect();
    let one = vec![ids(count, (0..count).collect())];
    // Each takes its place in a deep chain, and says then that it belongs to its other end.
    let mut moved: Vec<Message> = vec![ids(0, (1..count).collect())];
    moved.extend((1..count).map(|n| ids(n, vec![if n % 2 == 0 { 1 } else { count - 1 }])));
    for messages in [chain, backwards, one, moved] {
        let names = count + 1;
        for threads in [
            references::threads(&messages, names),
            ordered::threads(&messages),
            conversation::threads(&messages, names),
        ] {
            let told = threads.written(|n| (n < messages.len()).then_some(n + 1));
            assert!(told.matches('(').count() == told.matches(')').count());
        }
    }
    let deep = format!("References:{}\r\n", " <a@b>\r\n <c@d>".repeat(50_000));
    assert_eq!(of(Algorithm::References, &[deep]), "* THREAD (1)");
}
