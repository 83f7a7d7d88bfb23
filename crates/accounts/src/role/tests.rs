use super::*;

const A: u64 = 1;
const B: u64 = 2;

fn of_mailbox(tenant: u64, unit: Option<u64>, mailbox: u64) -> Target {
    Target { tenant: Some(TenantId(tenant)), unit: unit.map(UnitId), mailbox: Some(MailboxId(mailbox)) }
}

/// Every role in every scope of one administration, on every target of another: nothing.
#[test]
fn no_grant_reaches_into_another_administration() {
    let others = [Target::tenant(TenantId(B)), of_mailbox(B, None, 20), of_mailbox(B, Some(7), 21), Target::SERVICE];
    for role in Role::ALL {
        for scope in [Scope::Tenant(A), Scope::Unit(A, 7), Scope::Mailbox(10)] {
            for act in Act::ALL {
                for target in &others {
                    assert!(!Grant { role, scope }.allows(act, target), "{role:?} {scope:?} {act:?} {target:?}");
                }
            }
        }
    }
}

#[test]
fn a_scope_covers_what_lies_in_it() {
    let (mine, beside, above) = (of_mailbox(A, Some(7), 10), of_mailbox(A, Some(8), 11), of_mailbox(A, None, 12));
    let covered = |scope: Scope| [&mine, &beside, &above, &Target::tenant(TenantId(A))].map(|t| scope.covers(t));
    assert_eq!(covered(Scope::Supplier), [true; 4]);
    assert_eq!(covered(Scope::Tenant(A)), [true; 4]);
    assert_eq!(covered(Scope::Unit(A, 7)), [true, false, false, false]);
    assert_eq!(covered(Scope::Mailbox(10)), [true, false, false, false]);
}

#[test]
fn a_role_is_granted_where_it_reaches() {
    for (role, fits) in [
        (Role::SupplierAdmin, [true, false, false, false]),
        (Role::HelpDeskL1, [true, true, false, false]),
        (Role::HelpDeskL2, [true, true, false, false]),
        (Role::TechnicalContact, [false, true, false, false]),
        (Role::PreservationOfficer, [false, true, false, false]),
        (Role::Consultant, [false, true, false, false]),
        (Role::UnitProvisioner, [false, false, true, false]),
        (Role::MailboxResponsible, [false, false, false, true]),
    ] {
        let scopes = [Scope::Supplier, Scope::Tenant(A), Scope::Unit(A, 7), Scope::Mailbox(10)];
        assert_eq!(scopes.map(|scope| scope.fits(role)), fits, "{role:?}");
        assert_eq!(Role::parse(role.name()), Some(role));
    }
    assert_eq!(Role::parse("root"), None);
}

/// Who names others gives nothing that he has not got himself, but for what is the administration's alone.
#[test]
fn nobody_raises_himself() {
    let at = Target::tenant(TenantId(A));
    let contact = Grant { role: Role::TechnicalContact, scope: Scope::Tenant(A) };
    for role in Role::ALL {
        let named = contact.may_name(&Grant { role, scope: Scope::Tenant(A) }, &at);
        let fine = matches!(
            role,
            Role::MailboxResponsible | Role::PreservationOfficer | Role::Consultant | Role::UnitProvisioner
        );
        assert_eq!(named, fine, "{role:?}");
        assert!(!contact.may_name(&Grant { role, scope: Scope::Tenant(B) }, &Target::tenant(TenantId(B))));
    }
    for role in [Role::HelpDeskL1, Role::HelpDeskL2, Role::UnitProvisioner, Role::MailboxResponsible, Role::Consultant]
    {
        assert!(role.names().is_empty() && !role.may(Act::PersonWrite), "{role:?}");
    }
}
