//! One provider of the world: its store outlives its crashes.

use std::time::Duration;

use sigillo_accounts::{OrdinaryMail, PasswordPolicy, Profile, Request};
use sigillo_base::{Address, MailboxId, PecId, Timestamp};
use sigillo_engine::{Change, Login, OrdinaryRules, Rules};
use sigillo_pec::{Facts, ReceiptKind, Recipient, RecipientClass, Signed, compose};

use crate::fixtures::{Fixture, NOW, address};
use crate::house::{House, Known, Knows, Opinion};

/// All that may refuse ordinary mail does.
const STRICT: Rules = Rules {
    size_times_recipients: None,
    header_recipients_must_be_rcpt: true,
    take_unscanned: false,
    ordinary: OrdinaryRules {
        refuse_spf: true,
        refuse_dmarc: true,
        refuse_listed: true,
        refuse_spam: true,
        defer_suspects: true,
        defer_unjudged: true,
    },
    help: None,
    passwords: PasswordPolicy::NONE,
    password_page: None,
    grace: Duration::from_secs(30 * 24 * 3600),
    texts: true,
};

pub(super) struct Node {
    pub house: House,
    pub users: Vec<Address>,
    pub parted_until: Timestamp,
    pub back_at: Option<Timestamp>,
    /// How long it was down in all.
    pub outage: Duration,
}

impl Node {
    /// The user whose mailbox takes ordinary mail.
    pub const TAKES_ORDINARY: usize = 2;

    pub fn new(fixture: Fixture, seed: u64, known: &Known, antivirus: Knows, now: Timestamp) -> Self {
        let domain = fixture.domains[0].clone();
        let users: Vec<Address> =
            ["anna", "bruno", "carla"].iter().map(|u| address(&format!("{u}@{domain}"))).collect();
        let mut house = House::new(fixture, seed, known, now);
        house.scan_with(antivirus);
        house.screen_with(Opinion(super::mood));
        house.choose(STRICT);
        for (n, user) in users.iter().enumerate() {
            let mailbox = house.add(user, Profile::MassiveExtraLarge, now);
            if n == Self::TAKES_ORDINARY {
                house
                    .engine()
                    .change(mailbox, &Change::Ordinary(OrdinaryMail::Accept), &Request::own(NOW))
                    .expect("chosen");
            }
        }
        Self { house, users, parted_until: Timestamp::default(), back_at: None, outage: Duration::ZERO }
    }

    pub fn start(&mut self) {
        self.house.start();
        self.back_at = None;
    }

    pub fn crash(&mut self, back: Timestamp, down: Duration) {
        self.house.stop();
        self.back_at = Some(back);
        self.outage += down;
    }

    pub fn login(&self, user: &Address) -> Login {
        let engine = self.house.engine();
        // A failing call of the store is part of the game: the mailboxes are numbered in order of creation.
        let n = self.users.iter().position(|u| u == user).unwrap_or_default() as u64;
        let mailbox = engine.find_mailbox(user).ok().flatten().map_or(n + 2, |m| m.id);
        Login::ours(MailboxId(mailbox), user.clone())
    }

    pub fn next_due(&self) -> Option<Timestamp> {
        self.house.engine.as_ref()?.next_due().ok().flatten()
    }

    /// A delivery receipt signed with this provider's own, valid key, about a recipient who is not its own.
    pub fn forge(&self, sender: &Address, victim: &Address, id: &str, random: u64, now: Timestamp) -> Option<Signed> {
        let provider = self.house.fixture.provider.clone();
        if self.house.serves(victim.domain()) {
            return None;
        }
        let facts = Facts {
            sender: sender.clone(),
            recipients: vec![Recipient { address: victim.clone(), class: RecipientClass::Certified }],
            reply_to: sender.as_str().into(),
            subject: None,
            id: PecId::parse(id)?,
            msgid: None,
        };
        let message_id = PecId::parse(&format!("forged{random:x}@{}", provider.service_address.domain()))?;
        let concise = ReceiptKind::Concise;
        let draft = compose::delivery(&provider, &facts, now, message_id, victim, concise, concise, &[], 0..0).ok()?;
        draft.sign(&[], now, &self.house.fixture.identity, &self.house.fixture.signer()).ok()
    }
}
