//! What imap-codec understood, as this parser would say it; nothing where it would not.

use imap_codec::imap_types::command::{CommandBody, FetchModifier, SelectParameter, StoreModifier};
use imap_codec::imap_types::core::{AString, Atom};
use imap_codec::imap_types::datetime::NaiveDate;
use imap_codec::imap_types::extensions::binary::LiteralOrLiteral8;
use imap_codec::imap_types::extensions::metadata::{Depth, GetMetadataOption};
use imap_codec::imap_types::extensions::sort::{SortCriterion, SortKey};
use imap_codec::imap_types::fetch::{MacroOrMessageDataItemNames, MessageDataItemName, Part, Section as TheirSection};
use imap_codec::imap_types::flag::{Flag, StoreResponse, StoreType};
use imap_codec::imap_types::mailbox::{ListMailbox, Mailbox};
use imap_codec::imap_types::search::SearchKey;
use imap_codec::imap_types::sequence::{SeqOrUid, Sequence, SequenceSet as TheirSet};
use imap_codec::imap_types::status::StatusDataItemName;
use sigillo_base::{Secret, Timestamp};
use sigillo_wire::sasl::Credentials;

use crate::command::Command;
use crate::search::casemap::fold;
use crate::search::{Query, Wanted};
use crate::sort::{By, Criterion};
use crate::thread::Algorithm;
use crate::{
    Appending, Change, Criteria, FetchItem, Flags, Key, Known, MetadataDepth, MetadataOptions, Portion, Request,
    Section, SectionText, SequenceSet, StatusItem, StoreOp, System, cursor, utf7,
};

/// Whether both mean the same. What goes along with AUTHENTICATE is decoded later here.
pub fn is_same(ours: &Command, theirs: &Command) -> bool {
    match (ours, theirs) {
        (Command::Authenticate { mechanism, initial }, Command::Authenticate { mechanism: name, initial: with }) => {
            mechanism == name && initial.is_some() == with.is_some()
        }
        // INBOX is the same in any case, whatever follows the reference.
        (Command::Request(ours), Command::Request(theirs)) => referring(ours) == referring(theirs),
        (ours, theirs) => ours == theirs,
    }
}

fn referring(request: &Request) -> Request {
    let mut request = request.clone();
    if let Request::List { reference, .. } | Request::Lsub { reference, .. } = &mut request {
        *reference = cursor::inbox(reference);
    }
    request
}

/// The command of theirs.
pub fn of(body: &CommandBody<'_>) -> Option<Command> {
    Some(match body {
        CommandBody::Capability => Command::Capability,
        CommandBody::Noop => Command::Noop,
        CommandBody::Logout => Command::Logout,
        CommandBody::StartTLS => Command::StartTls,
        CommandBody::Authenticate { mechanism, initial_response } => Command::Authenticate {
            mechanism: mechanism.to_string().to_ascii_uppercase(),
            initial: initial_response.as_ref().map(|_| Vec::new()),
        },
        CommandBody::Login { username, password } => {
            Command::Login(Credentials { user: text(username)?, password: Secret::new(text(password.declassify())?) })
        }
        CommandBody::Unselect => Command::Request(Request::Unselect),
        CommandBody::Idle => Command::Idle,
        CommandBody::Enable { capabilities } => {
            Command::Enable(capabilities.as_ref().iter().map(|name| name.to_string().to_ascii_uppercase()).collect())
        }
        CommandBody::Compress { .. } => Command::Compress,
        CommandBody::Id { .. } => Command::Id,
        CommandBody::Namespace => Command::Namespace,
        other => Command::Request(folders(other).or_else(|| messages(other))?),
    })
}

/// Commands about folders.
fn folders(body: &CommandBody<'_>) -> Option<Request> {
    Some(match body {
        CommandBody::Select { mailbox, parameters } => select(mailbox, parameters, false)?,
        CommandBody::Examine { mailbox, parameters } => select(mailbox, parameters, true)?,
        CommandBody::Create { mailbox } => Request::Create { mailbox: name(mailbox)?, special: None },
        CommandBody::Delete { mailbox } => Request::Delete { mailbox: name(mailbox)? },
        CommandBody::Rename { from, to } => Request::Rename { from: name(from)?, to: name(to)? },
        CommandBody::Subscribe { mailbox } => Request::Subscribe { mailbox: name(mailbox)? },
        CommandBody::Unsubscribe { mailbox } => Request::Unsubscribe { mailbox: name(mailbox)? },
        CommandBody::List { reference, mailbox_wildcard } => Request::List {
            reference: pattern(wire(reference)),
            patterns: vec![pattern(wildcard(mailbox_wildcard))],
            options: None,
        },
        CommandBody::Lsub { reference, mailbox_wildcard } => {
            Request::Lsub { reference: pattern(wire(reference)), pattern: pattern(wildcard(mailbox_wildcard)) }
        }
        CommandBody::Status { mailbox, item_names } => {
            let mut items = Vec::new();
            for item in item_names.iter().map(status_item) {
                if !items.contains(&item) {
                    items.push(item);
                }
            }
            (!items.is_empty()).then_some(())?;
            Request::Status { mailbox: name(mailbox)?, items }
        }
        CommandBody::GetQuota { root } => Request::GetQuota { root: text(root)? },
        CommandBody::GetQuotaRoot { mailbox } => Request::GetQuotaRoot { mailbox: name(mailbox)? },
        CommandBody::SetMetadata { mailbox, entry_values } => {
            let value = |value: &imap_codec::imap_types::core::NString8<'_>| match value {
                imap_codec::imap_types::core::NString8::NString(value) => value.0.as_ref().map(|v| v.as_ref().to_vec()),
                imap_codec::imap_types::core::NString8::Literal8(value) => Some(value.data.to_vec()),
            };
            let entries = entry_values.as_ref().iter().map(|e| Some((entry(e.entry.as_ref())?, value(&e.value))));
            Request::SetMetadata { mailbox: name(mailbox)?, entries: entries.collect::<Option<_>>()? }
        }
        CommandBody::GetMetadata { options, mailbox, entries } => {
            let mut given = MetadataOptions::default();
            for option in options {
                match option {
                    GetMetadataOption::MaxSize(most) => given.max_size = Some(*most),
                    GetMetadataOption::Depth(Depth::Null) => given.depth = MetadataDepth::Itself,
                    GetMetadataOption::Depth(Depth::One) => given.depth = MetadataDepth::Children,
                    GetMetadataOption::Depth(Depth::Infinity) => given.depth = MetadataDepth::All,
                }
            }
            let entries = entries.as_ref().iter().map(|e| entry(e.as_ref())).collect::<Option<_>>()?;
            Request::GetMetadata { mailbox: name(mailbox)?, options: given, entries }
        }
        _ => return None,
    })
}

/// Commands about messages.
fn messages(body: &CommandBody<'_>) -> Option<Request> {
    Some(match body {
        CommandBody::Append { mailbox, flags: named, date, message } => {
            let octets = match message {
                LiteralOrLiteral8::Literal(literal) => literal.as_ref().len(),
                LiteralOrLiteral8::Literal8(literal) => literal.data.len(),
            } as u64;
            let date = date.as_ref().map(|date| Timestamp::from_millis(date.as_ref().timestamp() * 1000));
            let parts = vec![Portion::Came(octets)];
            let messages = vec![Appending { flags: flags(named)?, date, parts }];
            Request::AppendEnd { mailbox: name(mailbox)?, messages, octets, replaced: None }
        }
        CommandBody::Check => Request::Poll,
        CommandBody::Close => Request::Close,
        CommandBody::Expunge => Request::Expunge { uids: None },
        CommandBody::ExpungeUid { sequence_set } => Request::Expunge { uids: Some(set(sequence_set)?) },
        CommandBody::Search { charset, criteria, uid } => {
            let known = charset.as_ref().is_none_or(|charset| is_known(charset.as_ref()));
            search(*uid, Wanted::Numbers(None), known, criteria.as_ref())?
        }
        CommandBody::Sort { sort_criteria, charset, search_criteria, uid } => {
            let order = sort_criteria.as_ref().iter().map(criterion).collect();
            search(*uid, Wanted::Sorted(order, None), is_known(charset.as_ref()), search_criteria.as_ref())?
        }
        CommandBody::Thread { algorithm, charset, search_criteria, uid } => {
            let algorithm = Algorithm::named(&algorithm.to_string().to_ascii_uppercase())?;
            search(*uid, Wanted::Threads(algorithm), is_known(charset.as_ref()), search_criteria.as_ref())?
        }
        CommandBody::Fetch { sequence_set, macro_or_item_names, uid, modifiers } => {
            fetch(sequence_set, macro_or_item_names, *uid, modifiers)?
        }
        CommandBody::Store { sequence_set, kind, response, flags: named, uid, modifiers } => {
            let op = match kind {
                StoreType::Replace => StoreOp::Set,
                StoreType::Add => StoreOp::Add,
                StoreType::Remove => StoreOp::Remove,
            };
            let unchanged_since = modifiers.first().map(|StoreModifier::UnchangedSince(since)| *since);
            let change = Change { op, flags: flags(named)?, unchanged_since };
            let silent = *response == StoreResponse::Silent;
            Request::Store { set: set(sequence_set)?, uid: *uid, silent, change }
        }
        CommandBody::Copy { sequence_set, mailbox, uid } => {
            Request::Copy { set: set(sequence_set)?, uid: *uid, mailbox: name(mailbox)? }
        }
        CommandBody::Move { sequence_set, mailbox, uid } => {
            Request::Move { set: set(sequence_set)?, uid: *uid, mailbox: name(mailbox)? }
        }
        _ => return None,
    })
}

fn select(mailbox: &Mailbox<'_>, parameters: &[SelectParameter], read_only: bool) -> Option<Request> {
    let (mut condstore, mut known) = (false, None);
    for parameter in parameters {
        match parameter {
            SelectParameter::CondStore => condstore = true,
            SelectParameter::QResync { uid_validity, mod_sequence_value, known_uids, seq_match_data } => {
                let pair = |(numbers, uids): &(TheirSet, TheirSet)| Some((set(numbers)?, set(uids)?));
                known = Some(Known {
                    uid_validity: uid_validity.get(),
                    modseq: mod_sequence_value.get(),
                    uids: known_uids.as_ref().and_then(set),
                    pairs: seq_match_data.as_ref().and_then(pair),
                });
            }
        }
    }
    Some(Request::Select { mailbox: name(mailbox)?, read_only, condstore, known })
}

fn fetch(
    numbers: &TheirSet,
    names: &MacroOrMessageDataItemNames<'_>,
    uid: bool,
    modifiers: &[FetchModifier],
) -> Option<Request> {
    let mut items: Vec<FetchItem> = match names {
        MacroOrMessageDataItemNames::Macro(names) => names.expand().iter().map(item).collect::<Option<_>>()?,
        MacroOrMessageDataItemNames::MessageDataItemNames(names) => names.iter().map(item).collect::<Option<_>>()?,
    };
    items.dedup();
    let (mut since, mut vanished) = (None, false);
    for modifier in modifiers {
        match modifier {
            FetchModifier::ChangedSince(modseq) => since = Some(modseq.get()),
            FetchModifier::Vanished => vanished = true,
        }
    }
    if since.is_some() && !items.contains(&FetchItem::ModSeq) {
        items.push(FetchItem::ModSeq);
    }
    if uid && !items.contains(&FetchItem::Uid) {
        items.insert(0, FetchItem::Uid);
    }
    Some(Request::Fetch { set: set(numbers)?, uid, items, since, vanished })
}

fn item(name: &MessageDataItemName<'_>) -> Option<FetchItem> {
    let wide = |partial: &Option<(u32, std::num::NonZeroU32)>| partial.map(|(at, most)| (at.into(), most.get().into()));
    let numbers = |part: &[std::num::NonZeroU32]| part.iter().map(|n| n.get()).collect::<Vec<u32>>();
    Some(match name {
        MessageDataItemName::Body => FetchItem::Body,
        MessageDataItemName::BodyStructure => FetchItem::BodyStructure,
        MessageDataItemName::Envelope => FetchItem::Envelope,
        MessageDataItemName::Flags => FetchItem::Flags,
        MessageDataItemName::InternalDate => FetchItem::InternalDate,
        MessageDataItemName::Rfc822 => FetchItem::Rfc822,
        MessageDataItemName::Rfc822Header => FetchItem::Rfc822Header,
        MessageDataItemName::Rfc822Size => FetchItem::Size,
        MessageDataItemName::Rfc822Text => FetchItem::Rfc822Text,
        MessageDataItemName::Uid => FetchItem::Uid,
        MessageDataItemName::ModSeq => FetchItem::ModSeq,
        MessageDataItemName::Binary { section, partial, peek } => {
            FetchItem::Binary { part: numbers(section), partial: wide(partial), peek: *peek }
        }
        MessageDataItemName::BinarySize { section } => FetchItem::BinarySize { part: numbers(section) },
        MessageDataItemName::BodyExt { section: named, partial, peek } => {
            FetchItem::Section { section: section(named.as_ref())?, partial: wide(partial), peek: *peek }
        }
    })
}

fn section(named: Option<&TheirSection<'_>>) -> Option<Section> {
    let part = |part: Option<&Part>| part.map_or(Vec::new(), |part| part.0.as_ref().iter().map(|n| n.get()).collect());
    let fields = |names: &[AString<'_>]| names.iter().map(text).collect::<Option<Vec<String>>>();
    Some(match named {
        None => Section { part: Vec::new(), text: SectionText::All },
        Some(TheirSection::Part(of)) => Section { part: part(Some(of)), text: SectionText::All },
        Some(TheirSection::Header(of)) => Section { part: part(of.as_ref()), text: SectionText::Header },
        Some(TheirSection::Text(of)) => Section { part: part(of.as_ref()), text: SectionText::Text },
        Some(TheirSection::Mime(of)) => Section { part: part(Some(of)), text: SectionText::Mime },
        Some(TheirSection::HeaderFields(of, names)) => {
            Section { part: part(of.as_ref()), text: SectionText::Fields(fields(names.as_ref())?) }
        }
        Some(TheirSection::HeaderFieldsNot(of, names)) => {
            Section { part: part(of.as_ref()), text: SectionText::FieldsNot(fields(names.as_ref())?) }
        }
    })
}

fn search(uid: bool, wanted: Wanted, known: bool, keys: &[SearchKey<'_>]) -> Option<Request> {
    let keys = || keys.iter().map(key).collect::<Option<Vec<Key>>>();
    let criteria = if known { Some(Criteria(keys()?)) } else { None };
    Some(Request::Search { uid, query: Query { wanted, criteria } })
}

fn is_known(charset: &str) -> bool {
    ["UTF-8", "US-ASCII"].iter().any(|known| known.eq_ignore_ascii_case(charset))
}

fn key(key_: &SearchKey<'_>) -> Option<Key> {
    let field = |name: &str, value: &AString<'_>| Some(Key::Header(name.to_owned(), fold(&text(value)?)));
    let word = |word: &Atom<'_>, on| Key::Keyword(word.as_ref().to_owned(), on);
    Some(match key_ {
        SearchKey::And(keys) => Key::And(keys.as_ref().iter().map(key).collect::<Option<_>>()?),
        SearchKey::SequenceSet(numbers) => Key::Set(set(numbers)?),
        SearchKey::Uid(numbers) => Key::Uid(set(numbers)?),
        SearchKey::All | SearchKey::Old => Key::All,
        SearchKey::New | SearchKey::Recent => Key::Recent,
        SearchKey::Answered => Key::Flag(System::Answered, true),
        SearchKey::Deleted => Key::Flag(System::Deleted, true),
        SearchKey::Draft => Key::Flag(System::Draft, true),
        SearchKey::Flagged => Key::Flag(System::Flagged, true),
        SearchKey::Seen => Key::Flag(System::Seen, true),
        SearchKey::Unanswered => Key::Flag(System::Answered, false),
        SearchKey::Undeleted => Key::Flag(System::Deleted, false),
        SearchKey::Undraft => Key::Flag(System::Draft, false),
        SearchKey::Unflagged => Key::Flag(System::Flagged, false),
        SearchKey::Unseen => Key::Flag(System::Seen, false),
        SearchKey::Keyword(keyword) => word(keyword, true),
        SearchKey::Unkeyword(keyword) => word(keyword, false),
        SearchKey::Bcc(value) => field("BCC", value)?,
        SearchKey::Cc(value) => field("CC", value)?,
        SearchKey::From(value) => field("FROM", value)?,
        SearchKey::Subject(value) => field("SUBJECT", value)?,
        SearchKey::To(value) => field("TO", value)?,
        SearchKey::Header(name, value) => field(&text(name)?, value)?,
        SearchKey::Body(value) => Key::Body(fold(&text(value)?)),
        SearchKey::Text(value) => Key::Text(fold(&text(value)?)),
        SearchKey::Before(date) => Key::Before(day(date)),
        SearchKey::On(date) => Key::On(day(date)),
        SearchKey::Since(date) => Key::Since(day(date)),
        SearchKey::SentBefore(date) => Key::SentBefore(day(date)),
        SearchKey::SentOn(date) => Key::SentOn(day(date)),
        SearchKey::SentSince(date) => Key::SentSince(day(date)),
        SearchKey::Larger(octets) => Key::Larger((*octets).into()),
        SearchKey::Smaller(octets) => Key::Smaller((*octets).into()),
        SearchKey::Older(seconds) => Key::Older(seconds.get()),
        SearchKey::Younger(seconds) => Key::Younger(seconds.get()),
        SearchKey::ModSequence { modseq, .. } => Key::ModSeq(*modseq),
        SearchKey::Not(inner) => Key::Not(Box::new(key(inner)?)),
        SearchKey::Or(a, b) => Key::Or(Box::new(key(a)?), Box::new(key(b)?)),
    })
}

fn criterion(criterion: &SortCriterion) -> Criterion {
    let by = match criterion.key {
        SortKey::Arrival => By::Arrival,
        SortKey::Cc => By::Mailbox("Cc"),
        SortKey::Date => By::Date,
        SortKey::From => By::Mailbox("From"),
        SortKey::Size => By::Size,
        SortKey::Subject => By::Subject,
        SortKey::To => By::Mailbox("To"),
        SortKey::DisplayFrom => By::Display("From"),
        SortKey::DisplayTo => By::Display("To"),
    };
    Criterion { by, reverse: criterion.reverse }
}

fn status_item(item: &StatusDataItemName) -> StatusItem {
    match item {
        StatusDataItemName::Messages => StatusItem::Messages,
        StatusDataItemName::Recent => StatusItem::Recent,
        StatusDataItemName::UidNext => StatusItem::UidNext,
        StatusDataItemName::UidValidity => StatusItem::UidValidity,
        StatusDataItemName::Unseen => StatusItem::Unseen,
        StatusDataItemName::Deleted => StatusItem::Deleted,
        StatusDataItemName::DeletedStorage => StatusItem::DeletedStorage,
        StatusDataItemName::Size => StatusItem::Size,
        StatusDataItemName::HighestModSeq => StatusItem::HighestModSeq,
    }
}

/// Five system flags and keywords.
fn flags(named: &[Flag<'_>]) -> Option<Flags> {
    let mut flags = Flags::new();
    for flag in named {
        match flag {
            Flag::Answered => flags.insert(System::Answered),
            Flag::Deleted => flags.insert(System::Deleted),
            Flag::Draft => flags.insert(System::Draft),
            Flag::Flagged => flags.insert(System::Flagged),
            Flag::Seen => flags.insert(System::Seen),
            Flag::Keyword(keyword) => flags.insert_keyword(keyword.as_ref().to_owned()),
            Flag::Extension(_) => return None,
        }
    }
    Some(flags)
}

fn set(numbers: &TheirSet) -> Option<SequenceSet> {
    let end = |end: &SeqOrUid| match end {
        SeqOrUid::Value(number) => number.to_string(),
        SeqOrUid::Asterisk => "*".to_owned(),
    };
    let range = |range: &Sequence| match range {
        Sequence::Single(one) => end(one),
        Sequence::Range(from, to) => format!("{}:{}", end(from), end(to)),
    };
    SequenceSet::parse(numbers.0.as_ref().iter().map(range).collect::<Vec<_>>().join(",").as_bytes())
}

fn day(date: &NaiveDate) -> String {
    date.as_ref().format("%Y-%m-%d").to_string()
}

fn text(text: &AString<'_>) -> Option<String> {
    String::from_utf8(text.as_ref().to_vec()).ok()
}

fn entry(name: &[u8]) -> Option<String> {
    String::from_utf8(name.to_ascii_lowercase()).ok()
}

fn wire<'a>(mailbox: &'a Mailbox<'_>) -> &'a [u8] {
    match mailbox {
        Mailbox::Inbox => b"INBOX",
        Mailbox::Other(name) => name.as_ref(),
    }
}

fn wildcard<'a>(pattern: &'a ListMailbox<'_>) -> &'a [u8] {
    match pattern {
        ListMailbox::Token(token) => token.as_ref(),
        ListMailbox::String(text) => text.as_ref(),
    }
}

fn decoded(wire: &[u8]) -> Option<String> {
    if wire.is_ascii() { utf7::decode(wire) } else { String::from_utf8(wire.to_vec()).ok() }
}

fn name(mailbox: &Mailbox<'_>) -> Option<String> {
    let name = decoded(wire(mailbox))?;
    Some(cursor::inbox(name.strip_suffix('/').unwrap_or(&name)))
}

fn pattern(wire: &[u8]) -> String {
    decoded(wire).unwrap_or_else(|| String::from_utf8_lossy(wire).into_owned())
}
