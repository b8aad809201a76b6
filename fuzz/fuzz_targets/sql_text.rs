//! `sql::text` under cargo-fuzz.

#![no_main]

#[path = "../../crates/fake-firebolt/tests/fuzz/targets/mod.rs"]
#[expect(dead_code, reason = "each target uses one function of them all")]
mod targets;

libfuzzer_sys::fuzz_target!(|data: &[u8]| targets::sql::text(data));
