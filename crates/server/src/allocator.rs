//! How the C library hands out memory, while the program serves.
//!
//! glibc gives a large block back to the system when it is freed, but each such block raises the size from which it does
//! (up to 32 MiB): after the first large messages everything stays in its many heaps, in pieces, and the process holds
//! more than twice what it uses. A fixed size keeps what is freed free. It is read before a program begins, so the
//! program begins again with it; another C library does not look at it.

use std::env;
use std::os::unix::process::CommandExt;
use std::process::Command;

const KEY: &str = "GLIBC_TUNABLES";
/// Blocks from half a MiB on go back when they are freed, and so does the end of a heap beyond a MiB.
const VALUE: &str = "glibc.malloc.mmap_threshold=524288:glibc.malloc.trim_threshold=1048576";

/// Begins the program again, as the same process, unless it runs so already or somebody chose otherwise. Call it before
/// anything is opened.
pub fn settle() {
    if env::var_os(KEY).is_some() {
        return;
    }
    let Ok(program) = env::current_exe() else { return };
    let mut arguments = env::args_os();
    let name = arguments.next().unwrap_or_else(|| program.clone().into());
    let error = Command::new(program).arg0(name).args(arguments).env(KEY, VALUE).exec();
    // It serves all the same, with more memory.
    crate::out::complain(format_args!("{KEY}: {error}"));
}
