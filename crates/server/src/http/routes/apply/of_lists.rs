//! How a list is to be.

use sigillo_accounts::{Act, Request, Target, Verifier};
use sigillo_admin::api::{ListLine, list_path};
use sigillo_base::{Address, Tell, said};
use sigillo_engine::NewList;

use super::{Line, Outcome, Work, Wrong, need_named, of, told};
use crate::http::named::Named;
use crate::http::routes::domains::may_put;
use crate::http::routes::not_among;

impl Line for ListLine {
    const KIND: &str = "lists";
    type Of = ();

    fn number(&self) -> usize {
        self.line
    }

    fn object(&self) -> &str {
        &self.address
    }

    fn asked(&self) -> (Option<&str>, Option<&str>) {
        (self.ticket.as_deref(), self.requested_at.as_deref())
    }

    fn apply(
        &self,
        work: &mut Work<'_>,
        address: &Address,
        _: Option<&Verifier>,
        request: &Request,
    ) -> Result<Outcome, Wrong> {
        let (target, there) = (work.engine.target(address)?, work.engine.find_list(address)?);
        let named = Named::List(address.as_str());
        let unit = work.unit(&target, self.unit.as_deref(), (Act::ListWrite, named))?;
        let cancelled = match self.state.as_deref() {
            None | Some("active") => false,
            Some("cancelled") => true,
            Some(other) => {
                return Err(Wrong::new("state", not_among(other, "active o cancelled", "active or cancelled")));
            }
        };
        let member = |text: &String| Address::parse(text).map_err(|e| Wrong::new("members", e.said().about(text)));
        let given =
            self.members.as_ref().map(|all| all.iter().map(member).collect::<Result<Vec<_>, _>>()).transpose()?;
        let (engine, actor) = (work.engine, work.actor.clone());
        let path = list_path(address.as_str());
        if cancelled {
            need_named(engine, &actor, Act::ListWrite, &target, named)?;
            if there.is_none() {
                return Err(Wrong::new("address", named.missing().detail));
            }
            return work.batch.entry(|entry| {
                if !entry.cancel_list(address, request)? {
                    return Ok(Outcome::Unchanged);
                }
                entry.log(told(&actor, Act::ListWrite, &path), request.now());
                Ok(Outcome::Changed)
            });
        }
        let act = if there.is_some() { Act::ListMembers } else { Act::ListWrite };
        let to = unit.map_or(target.unit, |unit| unit);
        may_put(&actor, engine, address, Target { unit: to, ..target }).map_err(Wrong::denied(act))?;
        let members = given.or_else(|| there.as_ref().map(|list| list.members.clone()));
        let none = || said!("mancano i membri di una lista nuova", "the members of a new list are missing");
        let members = members.ok_or_else(|| Wrong::new("members", none()))?;
        let back = self.state.is_some() && there.as_ref().is_some_and(|list| list.cancelled_until.is_some());
        if back {
            need_named(engine, &actor, Act::ListWrite, &target, named)?;
        }
        let new = NewList { address: address.clone(), members, unit };
        work.batch.entry(|entry| {
            if back {
                entry.undelete_list(address, request).map_err(of("state"))?;
                entry.log(told(&actor, Act::ListWrite, &path), request.now());
            }
            let changed = entry.put_list(&new, request).map_err(of("members"))?;
            if changed {
                entry.log(told(&actor, act, &path), request.now());
            }
            Ok(match (changed || back, &there) {
                (true, None) => Outcome::Created,
                (true, Some(_)) => Outcome::Changed,
                (false, _) => Outcome::Unchanged,
            })
        })
    }
}
