//! Who may do what to whom: roles (WEB-10), what each may do (a table), and how far.
//!
//! A person has grants; a grant is a role within a scope. What is done is an [`Act`] on a [`Target`]. It is allowed when
//! one of the grants has a role that may do this and a scope that covers the target. Nothing else allows anything.

use serde::{Deserialize, Serialize};
use sigillo_base::{MailboxId, TenantId, UnitId};

/// What somebody is, for the administrations he works for (WEB-10).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// *Amministratore del gestore*: runs the service.
    SupplierAdmin,
    /// *Referente tecnico*: acts for one administration.
    TechnicalContact,
    /// *Responsabile della casella*: answers for one mailbox (WEB-12).
    MailboxResponsible,
    /// *Addetto C.D.S.*: consults what an administration preserves (ARC-04, ARC-05).
    PreservationOfficer,
    /// *Figura autorizzata alla consultazione*: consults what the officer lets him (ARC-05).
    Consultant,
    /// First level of the help desk: resets of passwords, attributes of mailboxes, members of lists, address books (HD-03, HD-04).
    HelpDeskL1,
    /// Second level of the help desk: makes, blocks and cancels mailboxes and lists (HD-06).
    HelpDeskL2,
    /// *Autoprovisioning periferico*: makes and manages the mailboxes and lists of one unit (WEB-09).
    UnitProvisioner,
}

/// What is done. The words are those of the interface, the legal log and `sigillo role matrix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Act {
    /// To see an administration and its units.
    TenantRead,
    /// To make, change or remove an administration.
    TenantWrite,
    /// To make, change or remove its units.
    UnitWrite,
    /// To write a version of its plan of needs; who runs the service approves it (WEB-11).
    PlanWrite,
    /// To see the choices of a domain.
    DomainRead,
    /// To make them.
    DomainWrite,
    /// To see a mailbox: profile, state, usage, operations.
    MailboxRead,
    /// To make a mailbox.
    MailboxCreate,
    /// To change its attributes (HD-04).
    MailboxChange,
    /// To give it another profile.
    MailboxProfile,
    /// To activate it or take it out of use.
    MailboxActivate,
    /// To block or unblock it.
    MailboxBlock,
    /// To cancel it, or call it back.
    MailboxCancel,
    /// To see what a mailbox holds, take it in or out: migration.
    MailboxContents,
    /// To see its credentials, rights in folders and accesses.
    AccessRead,
    /// To give and revoke credentials and rights in its folders.
    AccessWrite,
    /// To give somebody another password who forgot his (PWD-05).
    PasswordReset,
    /// To change passwords by a file (PWD-03, PWD-04).
    PasswordFile,
    /// To see distribution lists.
    ListRead,
    /// To change the members of one.
    ListMembers,
    /// To make or remove one.
    ListWrite,
    /// To see the address book of an administration.
    AddressBookRead,
    /// To change its entries, the registry of users among them (HD-04).
    AddressBookWrite,
    /// To see who administrates.
    PersonRead,
    /// To name and remove who administrates, and their roles.
    PersonWrite,
    /// To see where a certified message stands.
    DispatchRead,
    /// To read the legal log and what was administrated.
    LogRead,
    /// To consult what is preserved.
    ArchiveRead,
    /// To see the queue.
    QueueRead,
    /// To order something about it.
    QueueWrite,
    /// To see how the service is.
    ServiceRead,
    /// To work on it: store, index, backups, infected messages.
    ServiceWrite,
}

use Act as A;

impl Act {
    /// All of them.
    pub const ALL: [Self; 32] = [
        A::TenantRead,
        A::TenantWrite,
        A::UnitWrite,
        A::PlanWrite,
        A::DomainRead,
        A::DomainWrite,
        A::MailboxRead,
        A::MailboxCreate,
        A::MailboxChange,
        A::MailboxProfile,
        A::MailboxActivate,
        A::MailboxBlock,
        A::MailboxCancel,
        A::MailboxContents,
        A::AccessRead,
        A::AccessWrite,
        A::PasswordReset,
        A::PasswordFile,
        A::ListRead,
        A::ListMembers,
        A::ListWrite,
        A::AddressBookRead,
        A::AddressBookWrite,
        A::PersonRead,
        A::PersonWrite,
        A::DispatchRead,
        A::LogRead,
        A::ArchiveRead,
        A::QueueRead,
        A::QueueWrite,
        A::ServiceRead,
        A::ServiceWrite,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TenantRead => "tenant-read",
            Self::TenantWrite => "tenant-write",
            Self::UnitWrite => "unit-write",
            Self::PlanWrite => "plan-write",
            Self::DomainRead => "domain-read",
            Self::DomainWrite => "domain-write",
            Self::MailboxRead => "mailbox-read",
            Self::MailboxCreate => "mailbox-create",
            Self::MailboxChange => "mailbox-change",
            Self::MailboxProfile => "mailbox-profile",
            Self::MailboxActivate => "mailbox-activate",
            Self::MailboxBlock => "mailbox-block",
            Self::MailboxCancel => "mailbox-cancel",
            Self::MailboxContents => "mailbox-contents",
            Self::AccessRead => "access-read",
            Self::AccessWrite => "access-write",
            Self::PasswordReset => "password-reset",
            Self::PasswordFile => "password-file",
            Self::ListRead => "list-read",
            Self::ListMembers => "list-members",
            Self::ListWrite => "list-write",
            Self::AddressBookRead => "address-book-read",
            Self::AddressBookWrite => "address-book-write",
            Self::PersonRead => "person-read",
            Self::PersonWrite => "person-write",
            Self::DispatchRead => "dispatch-read",
            Self::LogRead => "log-read",
            Self::ArchiveRead => "archive-read",
            Self::QueueRead => "queue-read",
            Self::QueueWrite => "queue-write",
            Self::ServiceRead => "service-read",
            Self::ServiceWrite => "service-write",
        }
    }
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SupplierAdmin,
        Self::TechnicalContact,
        Self::MailboxResponsible,
        Self::PreservationOfficer,
        Self::Consultant,
        Self::HelpDeskL1,
        Self::HelpDeskL2,
        Self::UnitProvisioner,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SupplierAdmin => "supplier-admin",
            Self::TechnicalContact => "technical-contact",
            Self::MailboxResponsible => "mailbox-responsible",
            Self::PreservationOfficer => "preservation-officer",
            Self::Consultant => "consultant",
            Self::HelpDeskL1 => "help-desk-l1",
            Self::HelpDeskL2 => "help-desk-l2",
            Self::UnitProvisioner => "unit-provisioner",
        }
    }

    /// The role of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Whether it may do this, within its scope.
    pub fn may(self, act: Act) -> bool {
        let table = match self {
            // Everything but what is the administration's alone: its file of passwords (PWD-04), its archive (ARC-05).
            Self::SupplierAdmin => return !matches!(act, A::PasswordFile | A::ArchiveRead),
            Self::TechnicalContact => TECHNICAL_CONTACT,
            Self::MailboxResponsible => MAILBOX_RESPONSIBLE,
            Self::PreservationOfficer => PRESERVATION_OFFICER,
            Self::Consultant => CONSULTANT,
            Self::HelpDeskL1 => HELP_DESK_L1,
            Self::HelpDeskL2 => HELP_DESK_L2,
            Self::UnitProvisioner => UNIT_PROVISIONER,
        };
        table.contains(&act)
    }

    /// Whom it may name: nobody gives a role that reaches further than his own.
    pub const fn names(self) -> &'static [Self] {
        match self {
            Self::SupplierAdmin => &Self::ALL,
            Self::TechnicalContact => {
                &[Self::MailboxResponsible, Self::PreservationOfficer, Self::Consultant, Self::UnitProvisioner]
            }
            _ => &[],
        }
    }
}

/// WEB-07, PWD-04.
const TECHNICAL_CONTACT: &[Act] = &[
    A::TenantRead,
    A::UnitWrite,
    A::PlanWrite,
    A::DomainRead,
    A::DomainWrite,
    A::MailboxRead,
    A::MailboxCreate,
    A::MailboxChange,
    A::MailboxProfile,
    A::MailboxActivate,
    A::MailboxBlock,
    A::MailboxCancel,
    A::AccessRead,
    A::AccessWrite,
    A::PasswordReset,
    A::PasswordFile,
    A::ListRead,
    A::ListMembers,
    A::ListWrite,
    A::AddressBookRead,
    A::AddressBookWrite,
    A::PersonRead,
    A::PersonWrite,
    A::DispatchRead,
    A::LogRead,
];
/// WEB-12.
const MAILBOX_RESPONSIBLE: &[Act] =
    &[A::MailboxRead, A::AccessRead, A::AccessWrite, A::AddressBookRead, A::DispatchRead];
/// ARC-05.
const PRESERVATION_OFFICER: &[Act] =
    &[A::MailboxRead, A::ListRead, A::AddressBookRead, A::DispatchRead, A::LogRead, A::ArchiveRead];
/// ARC-05.
const CONSULTANT: &[Act] = &[A::AddressBookRead, A::ArchiveRead];
/// HD-03, HD-04, PWD-05.
const HELP_DESK_L1: &[Act] = &[
    A::TenantRead,
    A::DomainRead,
    A::MailboxRead,
    A::MailboxChange,
    A::PasswordReset,
    A::ListRead,
    A::ListMembers,
    A::AddressBookRead,
    A::AddressBookWrite,
    A::DispatchRead,
    A::ServiceRead,
];
/// HD-06.
const HELP_DESK_L2: &[Act] = &[
    A::TenantRead,
    A::DomainRead,
    A::MailboxRead,
    A::MailboxCreate,
    A::MailboxChange,
    A::MailboxActivate,
    A::MailboxBlock,
    A::MailboxCancel,
    A::AccessRead,
    A::PasswordReset,
    A::ListRead,
    A::ListMembers,
    A::ListWrite,
    A::AddressBookRead,
    A::AddressBookWrite,
    A::DispatchRead,
    A::LogRead,
    A::QueueRead,
    A::QueueWrite,
    A::ServiceRead,
];
/// WEB-09.
const UNIT_PROVISIONER: &[Act] = &[
    A::TenantRead,
    A::MailboxRead,
    A::MailboxCreate,
    A::MailboxChange,
    A::MailboxActivate,
    A::MailboxBlock,
    A::MailboxCancel,
    A::AccessRead,
    A::AccessWrite,
    A::PasswordReset,
    A::ListRead,
    A::ListMembers,
    A::ListWrite,
    A::AddressBookRead,
];

/// Where a grant holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// The whole service.
    Supplier,
    /// One administration, with all its units.
    Tenant(u64),
    /// One unit of an administration.
    Unit(u64, u64),
    /// One mailbox.
    Mailbox(u64),
}

/// On whom something is done. What is of no administration is the supplier's own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    /// Whose it is.
    pub tenant: Option<TenantId>,
    /// Which unit's.
    pub unit: Option<UnitId>,
    /// Which mailbox.
    pub mailbox: Option<MailboxId>,
}

impl Target {
    /// The service itself, and what is of no administration.
    pub const SERVICE: Self = Self { tenant: None, unit: None, mailbox: None };

    /// An administration.
    pub const fn tenant(id: TenantId) -> Self {
        Self { tenant: Some(id), ..Self::SERVICE }
    }
}

impl Scope {
    /// Whether it holds for this.
    pub fn covers(self, target: &Target) -> bool {
        match self {
            Self::Supplier => true,
            Self::Tenant(id) => target.tenant == Some(TenantId(id)),
            Self::Unit(tenant, unit) => target.tenant == Some(TenantId(tenant)) && target.unit == Some(UnitId(unit)),
            Self::Mailbox(id) => target.mailbox == Some(MailboxId(id)),
        }
    }

    /// Whether a role can be granted in it.
    pub const fn fits(self, role: Role) -> bool {
        match role {
            Role::SupplierAdmin => matches!(self, Self::Supplier),
            Role::HelpDeskL1 | Role::HelpDeskL2 => matches!(self, Self::Supplier | Self::Tenant(_)),
            Role::TechnicalContact | Role::PreservationOfficer | Role::Consultant => matches!(self, Self::Tenant(_)),
            Role::UnitProvisioner => matches!(self, Self::Unit(..)),
            Role::MailboxResponsible => matches!(self, Self::Mailbox(_)),
        }
    }
}

/// A role within a scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Grant {
    /// What somebody is.
    pub role: Role,
    /// Where.
    pub scope: Scope,
}

impl Grant {
    /// Whether it allows this.
    pub fn allows(&self, act: Act, target: &Target) -> bool {
        self.role.may(act) && self.scope.covers(target)
    }

    /// Whether who has it may give or take another one, whose scope lies at this target.
    pub fn may_name(&self, other: &Self, at: &Target) -> bool {
        self.role.names().contains(&other.role) && self.allows(Act::PersonWrite, at)
    }
}

#[cfg(test)]
mod tests;
