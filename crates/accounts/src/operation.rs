//! What is done to mailboxes, lists and address books on somebody's request (*registro delle operazioni*: BOX-12, HD-27).

use serde::{Deserialize, Serialize};
use sigillo_base::{Said, TenantId, Timestamp, UnitId, said};

use crate::{Act, Target};

/// Characters of a ticket, and of the name of who asked.
const MAX_TEXT: usize = 200;

/// By which way a request came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// The provider itself, without anybody's request.
    Service,
    /// A program, over the interface.
    Api,
    /// Somebody at a console.
    Console,
    /// A file of many.
    File,
    /// By telephone: the help desk did it.
    Phone,
}

impl Way {
    const ALL: [Self; 5] = [Self::Service, Self::Api, Self::Console, Self::File, Self::Phone];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Api => "api",
            Self::Console => "console",
            Self::File => "file",
            Self::Phone => "phone",
        }
    }

    /// The channel of this name that somebody may ask by: the provider's own is nobody's.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.name() == name && *channel != Self::Service)
    }
}

/// Who asked for something, when, and who answers for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// When it was asked for, in milliseconds since the Unix epoch.
    pub asked: i64,
    /// Who asked: a person's name, or words for whom the help desk heard.
    pub asked_by: String,
    /// When it is done, in milliseconds: the time of the transaction.
    pub done: i64,
    /// Who confirmed that the administration wants it (WEB-03): who was let in to do it, where no other is said to have.
    pub confirmed_by: String,
    /// What he was let in by: `token`, `socket`; `service` where nobody was asked; `ticket` where another has done it, by what
    /// the ticket says.
    pub confirmed_how: String,
    /// The ticket that it belongs to; empty without one.
    pub ticket: String,
    /// By which way it came.
    pub channel: Way,
    /// Who has done it, where another confirmed it before. In a row it stands behind everything else.
    #[serde(skip)]
    pub executed: Option<Executed>,
}

/// What was confirmed by one and done by another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Executed {
    /// When it was confirmed, in milliseconds since the Unix epoch.
    pub confirmed: i64,
    /// Who was let in to do it.
    pub by: String,
    /// What he was let in by.
    pub how: String,
}

impl Request {
    /// What the provider does by itself.
    pub fn own(now: Timestamp) -> Self {
        let nobody = || "gestore".to_owned();
        Self {
            asked: now.as_millis(),
            asked_by: nobody(),
            done: now.as_millis(),
            confirmed_by: nobody(),
            confirmed_how: Way::Service.name().to_owned(),
            ticket: String::new(),
            channel: Way::Service,
            executed: None,
        }
    }

    /// When it is done.
    pub const fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.done)
    }

    /// When it was confirmed: by being done, where nobody else did.
    pub fn confirmed(&self) -> Timestamp {
        Timestamp::from_millis(self.executed.as_ref().map_or(self.done, |executed| executed.confirmed))
    }

    /// When the clock of WEB-06 starts: with the confirmation, if it came before; else with the request.
    pub fn clock(&self) -> Timestamp {
        Timestamp::from_millis(self.executed.as_ref().map_or(self.asked, |executed| executed.confirmed))
    }

    /// What is wrong with it, if anything: a field's name and why.
    pub fn fault(&self) -> Option<(&'static str, Said)> {
        let fine = |text: &str| text.chars().count() <= MAX_TEXT && !text.chars().any(char::is_control);
        let text = || said!("al più {MAX_TEXT} caratteri, su una riga", "at most {MAX_TEXT} characters, on one line");
        match () {
            () if self.asked > self.done => {
                Some(("requested_at", said!("la richiesta è nel futuro", "the request is in the future")))
            }
            () if !fine(&self.asked_by) || self.asked_by.trim().is_empty() => Some(("requested_by", text())),
            () if !fine(&self.ticket) => Some(("ticket", text())),
            () => self.executed.as_ref().and_then(|executed| match () {
                () if self.ticket.is_empty() => Some((
                    "ticket",
                    said!(
                        "la conferma di un altro vuole il ticket che ne dà conto",
                        "somebody else's confirmation wants the ticket that accounts for it"
                    ),
                )),
                () if executed.confirmed > self.done => {
                    Some(("confirmed_at", said!("la conferma è nel futuro", "the confirmation is in the future")))
                }
                () if executed.confirmed < self.asked => Some((
                    "confirmed_at",
                    said!("la conferma è prima della richiesta", "the confirmation is before the request"),
                )),
                () => None,
            }),
        }
    }
}

/// What was done. The words are those of the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Done {
    /// A mailbox was made.
    MailboxCreate,
    /// Its attributes were changed.
    MailboxChange,
    /// It was taken into use again.
    MailboxActivate,
    /// It was taken out of use.
    MailboxDeactivate,
    /// It was blocked.
    MailboxBlock,
    /// It was unblocked.
    MailboxUnblock,
    /// It got another profile.
    MailboxProfile,
    /// It came into another unit.
    MailboxUnit,
    /// Somebody else answers for it (WEB-12).
    MailboxResponsible,
    /// It was cancelled.
    MailboxCancel,
    /// It was called back.
    MailboxUndelete,
    /// Its grace was over, and its contents went.
    MailboxPurge,
    /// A list was made.
    ListCreate,
    /// It got other members, or came into another unit.
    ListChange,
    /// It was cancelled.
    ListCancel,
    /// An entry was written into an address book.
    BookCreate,
    /// It says something else.
    BookChange,
    /// It was taken out.
    BookCancel,
    /// Its holder was given another password, or the means to set one (PWD-05).
    MailboxPassword,
    /// A list was called back.
    ListUndelete,
    /// Its grace was over, and it went.
    ListPurge,
}

impl Done {
    /// All of them.
    pub const ALL: [Self; 21] = [
        Self::MailboxCreate,
        Self::MailboxChange,
        Self::MailboxActivate,
        Self::MailboxDeactivate,
        Self::MailboxBlock,
        Self::MailboxUnblock,
        Self::MailboxProfile,
        Self::MailboxUnit,
        Self::MailboxResponsible,
        Self::MailboxCancel,
        Self::MailboxUndelete,
        Self::MailboxPurge,
        Self::ListCreate,
        Self::ListChange,
        Self::ListCancel,
        Self::BookCreate,
        Self::BookChange,
        Self::BookCancel,
        Self::MailboxPassword,
        Self::ListUndelete,
        Self::ListPurge,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MailboxCreate => "mailbox-create",
            Self::MailboxChange => "mailbox-change",
            Self::MailboxActivate => "mailbox-activate",
            Self::MailboxDeactivate => "mailbox-deactivate",
            Self::MailboxBlock => "mailbox-block",
            Self::MailboxUnblock => "mailbox-unblock",
            Self::MailboxProfile => "mailbox-profile",
            Self::MailboxUnit => "mailbox-unit",
            Self::MailboxResponsible => "mailbox-responsible",
            Self::MailboxCancel => "mailbox-cancel",
            Self::MailboxUndelete => "mailbox-undelete",
            Self::MailboxPurge => "mailbox-purge",
            Self::ListCreate => "list-create",
            Self::ListChange => "list-change",
            Self::ListCancel => "list-cancel",
            Self::BookCreate => "address-book-create",
            Self::BookChange => "address-book-change",
            Self::BookCancel => "address-book-cancel",
            Self::MailboxPassword => "mailbox-password",
            Self::ListUndelete => "list-undelete",
            Self::ListPurge => "list-purge",
        }
    }

    /// What has this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.name() == name)
    }

    /// What lets somebody do it, and so confirm it.
    pub const fn needs(self) -> Act {
        match self {
            Self::MailboxCreate => Act::MailboxCreate,
            Self::MailboxChange => Act::MailboxChange,
            Self::MailboxActivate | Self::MailboxDeactivate => Act::MailboxActivate,
            Self::MailboxBlock | Self::MailboxUnblock => Act::MailboxBlock,
            Self::MailboxProfile => Act::MailboxProfile,
            Self::MailboxUnit => Act::UnitWrite,
            Self::MailboxResponsible => Act::PersonWrite,
            Self::MailboxCancel | Self::MailboxUndelete | Self::MailboxPurge => Act::MailboxCancel,
            Self::ListCreate | Self::ListCancel | Self::ListUndelete | Self::ListPurge => Act::ListWrite,
            Self::ListChange => Act::ListMembers,
            Self::BookCreate | Self::BookChange | Self::BookCancel => Act::AddressBookWrite,
            Self::MailboxPassword => Act::PasswordReset,
        }
    }

    /// Who sees such a record: who may do this to its object.
    pub const fn seen_by(self) -> Act {
        match self {
            Self::ListCreate | Self::ListChange | Self::ListCancel | Self::ListUndelete | Self::ListPurge => {
                Act::ListRead
            }
            Self::BookCreate | Self::BookChange | Self::BookCancel => Act::AddressBookRead,
            _ => Act::MailboxRead,
        }
    }
}

/// A record of the register. It says whose its object was then, whatever became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operation {
    /// What was done.
    pub done: Done,
    /// To which mailbox or list, or to whose entry of an address book: its address.
    pub object: String,
    /// The mailbox's number; of an entry, where it is of one of the administration's own.
    pub mailbox: Option<u64>,
    /// The administration's number.
    pub tenant: Option<u64>,
    /// The unit's.
    pub unit: Option<u64>,
    /// From what to what, where that says more.
    pub detail: String,
    /// On whose request.
    pub request: Request,
}

impl Operation {
    /// Whose its object was.
    pub fn target(&self) -> Target {
        Target {
            tenant: self.tenant.map(TenantId),
            unit: self.unit.map(UnitId),
            mailbox: self.mailbox.map(sigillo_base::MailboxId),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_not_of_the_future_and_says_who_asked() {
        let now = Timestamp::from_millis(1_000);
        let fine = Request::own(now);
        assert_eq!(fine.fault(), None);
        let wrong = |change: &dyn Fn(&mut Request)| {
            let mut request = fine.clone();
            change(&mut request);
            request.fault().map(|(field, _)| field)
        };
        assert_eq!(wrong(&|r| r.asked = 1_001), Some("requested_at"));
        assert_eq!(wrong(&|r| r.asked_by = " ".into()), Some("requested_by"));
        assert_eq!(wrong(&|r| r.asked_by = "a\nb".into()), Some("requested_by"));
        assert_eq!(wrong(&|r| r.ticket = "x".repeat(201)), Some("ticket"));
    }

    #[test]
    fn the_clock_starts_with_the_confirmation_of_another_which_its_ticket_shows() {
        let mut request = Request { asked: 100, ticket: "TT-7".into(), ..Request::own(Timestamp::from_millis(1_000)) };
        assert_eq!((request.clock().as_millis(), request.confirmed().as_millis()), (100, 1_000));
        let confirmed = |confirmed| Some(Executed { confirmed, by: "h.desk".into(), how: "token".into() });
        request.executed = confirmed(400);
        assert_eq!((request.clock().as_millis(), request.confirmed().as_millis()), (400, 400));
        let fault = |request: &Request| request.fault().map(|(field, _)| field);
        assert_eq!(fault(&request), None);
        for (at, wrong) in [(99, Some("confirmed_at")), (100, None), (1_000, None), (1_001, Some("confirmed_at"))] {
            request.executed = confirmed(at);
            assert_eq!(fault(&request), wrong, "{at}");
        }
        request.ticket.clear();
        assert_eq!(fault(&request), Some("ticket"));
    }

    #[test]
    fn words_are_read_as_they_are_written_and_nobody_asks_as_the_service() {
        assert!(Done::ALL.into_iter().all(|done| Done::parse(done.name()) == Some(done)));
        assert_eq!(Way::parse("phone"), Some(Way::Phone));
        assert_eq!(Way::parse("service"), None);
    }
}
