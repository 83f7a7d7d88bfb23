//! What errors that came up through `anyhow` say in both languages.

use anyhow::Error;
use sigillo_base::{Complaint, Said, Tell};

/// What it says, with what is behind it; who speaks one language alone is heard in that.
pub fn of(error: &Error) -> Said {
    let one = |cause: &(dyn std::error::Error + 'static)| {
        if let Some(Complaint(why)) = cause.downcast_ref() {
            return why.clone();
        }
        let fault = cause.downcast_ref::<sigillo_engine::Error>();
        fault.map_or_else(|| Said::verbatim(cause.to_string()), Tell::said)
    };
    let joined =
        |Said { it, en }: Said, behind: Said| Said::new(format!("{it}: {}", behind.it), format!("{en}: {}", behind.en));
    error.chain().map(one).reduce(joined).unwrap_or_default()
}
