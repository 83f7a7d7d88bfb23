#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| sigillo_fuzz::targets::sts(data));
