#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sigillo_fuzz::targets::imap_command(data));
