//! How the program hands out memory: to Rust, and to the libraries in C and C++ beside it.
//!
//! glibc's own keeps a heap for each thread and, once large blocks were freed, gives next to nothing back; held to giving it
//! back, it costs a sixth of a message's CPU. jemalloc gives back within a second what is free, by a thread of its own, and
//! costs a third of that. How it does so is set where it is built (`.cargo/config.toml`); `MALLOC_CONF` overrides it.

use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;
