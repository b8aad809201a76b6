//! Nothing a client sends crashes the fake: each fuzz target on a bounded number of cases.
//!
//! `PROPTEST_CASES=20000 cargo test -p fake-firebolt --test fuzz` runs it for longer; `fuzz/` at
//! the root runs the same functions under cargo-fuzz. A case that fails here is shrunk to the bytes
//! that matter; keep it as a line of `kept` below.

mod targets;

use proptest::prelude::*;

use targets::{http, parquet, rules, sql};

fn bytes(most: usize) -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..most)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sql_text(text in ".{0,80}") {
        sql::text(text.as_bytes());
    }

    #[test]
    fn sql_dialect(data in bytes(120)) {
        sql::dialect(&data);
    }

    #[test]
    fn http_bytes(data in bytes(300)) {
        http::bytes(&data);
    }

    #[test]
    fn http_requests(data in bytes(200)) {
        http::requests(&data);
    }

    #[test]
    fn rule_text(text in "[\\[\\]a-z='\"0-9.\\n{}:, -]{0,120}") {
        rules::text(text.as_bytes());
    }

    #[test]
    fn rule_files(data in bytes(40)) {
        rules::files(&data);
    }

    #[test]
    fn parquet_bytes(data in bytes(200)) {
        parquet::bytes(&data);
    }

    #[test]
    fn parquet_damaged(data in bytes(40)) {
        parquet::damaged(&data);
    }
}
