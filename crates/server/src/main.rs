//! The program `sigillo`: a certified-mail provider. All of it is in the library beside.

use std::process::ExitCode;

fn main() -> ExitCode {
    sigillo_server::cli::main()
}
