//! The grammar of IMAP by itself, without a session and its states.

use sigillo_imap::{Command, Filter, Heard, Key, Listener, Request};

use super::sessions::{Did, any_cuts};

/// Octets of all commands of a client that switched nothing on, and of one that switched everything on.
pub fn imap_command(data: &[u8]) {
    for on in [&[][..], &["QRESYNC", "UTF8=ACCEPT", "IMAP4rev2"]] {
        any_cuts(data, |pieces| {
            let mut listener = Listener::new(on);
            let heard = pieces.flat_map(|piece| listener.hear(piece)).inspect(bounded);
            heard.map(|heard| Did::Other(format!("{heard:?}"))).collect()
        });
        let mut listener = Listener::new(on);
        listener.hear(data);
        if listener.is_at_rest() {
            let next = listener.hear(b"z NOOP\r\n");
            let noop = Heard { tag: Some("z".into()), said: Ok(Command::Noop) };
            assert_eq!(next, [noop], "what was wrong harms nothing behind it");
        }
    }
}

/// What a command asks for is bounded, however it is written.
fn bounded(heard: &Heard) {
    assert!(heard.tag.as_ref().is_none_or(|tag| !tag.is_empty() && tag.len() <= 64));
    let Ok(Command::Request(request)) = &heard.said else { return };
    match request {
        Request::Select { mailbox, .. } | Request::Create { mailbox, .. } | Request::Copy { mailbox, .. } => {
            assert!(mailbox.len() <= 512 && !mailbox.ends_with('/'));
        }
        Request::List { reference, patterns, .. } => {
            assert!(patterns.iter().map(|pattern| pattern.len() + reference.len()).sum::<usize>() <= 1024);
        }
        Request::Notify { watch: Some(watch), .. } => {
            let named = watch.groups.iter().map(|group| match &group.filter {
                Filter::Subtree(names) | Filter::Mailboxes(names) => names.len(),
                _ => 0,
            });
            assert!(watch.groups.len() <= 50 && named.sum::<usize>() <= 200);
            assert!(watch.selected.iter().all(|wanted| wanted.items.len() <= 200));
        }
        Request::Fetch { items, .. } => assert!(!items.is_empty() && items.len() <= 202),
        Request::Store { change, .. } => assert!(change.flags.keywords().len() <= 100),
        Request::AppendEnd { messages, .. } => {
            assert!(!messages.is_empty() && messages.len() <= 500);
            assert!(messages.iter().all(|message| !message.parts.is_empty() && message.parts.len() <= 200));
        }
        Request::Search { query, .. } => {
            let keys = query.criteria.iter().flat_map(|criteria| &criteria.0);
            let (count, depth) = keys.map(measured).fold((0, 0), |(n, deep), (m, level)| (n + m, level.max(deep)));
            assert!(count <= 500 && depth <= 31, "{count} keys, {depth} deep");
        }
        _ => {}
    }
}

/// Keys, and how deep they lie inside each other.
fn measured(key: &Key) -> (usize, usize) {
    let inside: Vec<&Key> = match key {
        Key::Not(inner) => vec![inner],
        Key::Or(a, b) => vec![a, b],
        Key::And(keys) => keys.iter().collect(),
        _ => Vec::new(),
    };
    let (count, depth) =
        inside.into_iter().map(measured).fold((0, 0), |(n, deep), (m, level)| (n + m, level.max(deep)));
    (count + 1, depth + 1)
}
