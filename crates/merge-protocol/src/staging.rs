//! Names of staging tables.
//!
//! A staging table is private to one attempt and its name is never used again: a request that
//! executes after its client gave up must not find a table of somebody else under its name. Its form
//! is strict, so that the sweeper recognises ours and nothing but ours.

use crate::object::{FileId, hex};
use sha2::{Digest, Sha256};

/// How much of the table's name goes into the staging name. Identifiers end at 255 characters.
const TABLE_BYTES_MAX: usize = 180;
const ATTEMPT_LEN: usize = 26;
const DIGEST_LEN: usize = 16;
/// Crockford's base 32, lower case: no letter that reads like a digit.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// One attempt: 128 bits of injected entropy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Attempt(pub u128);

impl std::fmt::Display for Attempt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text: String = (0..ATTEMPT_LEN)
            .rev()
            .map(|place| ALPHABET[((self.0 >> (place * 5)) & 31) as usize] as char)
            .collect();
        f.write_str(&text)
    }
}

/// The staging table of one attempt: `stg_<table>_<16 hex of the files>_<26 characters>`.
pub fn staging_table<'a>(
    target: &str,
    files: impl Iterator<Item = &'a FileId>,
    attempt: Attempt,
) -> String {
    let mut sorted: Vec<&str> = files.map(FileId::as_str).collect();
    sorted.sort_unstable();
    let digest = Sha256::digest(sorted.join(",").as_bytes());
    format!("stg_{}_{}_{attempt}", cut(target), hex(&digest[..DIGEST_LEN / 2]))
}

/// A staging name of ours, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StagingName {
    /// The table it stages for (cut to 180 bytes).
    pub table: String,
    /// The attempt's 26 characters.
    pub attempt: String,
}

impl StagingName {
    /// Reads a name; `None` for anything that this engine would not have written.
    pub fn parse(name: &str) -> Option<StagingName> {
        let rest = name.strip_prefix("stg_")?;
        let (rest, attempt) = rest.rsplit_once('_')?;
        let (table, digest) = rest.rsplit_once('_')?;
        let fits = !table.is_empty()
            && attempt.len() == ATTEMPT_LEN
            && attempt.bytes().all(|b| ALPHABET.contains(&b))
            && digest.len() == DIGEST_LEN
            && digest.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        fits.then(|| StagingName { table: table.to_owned(), attempt: attempt.to_owned() })
    }
}

fn cut(table: &str) -> &str {
    let mut end = table.len().min(TABLE_BYTES_MAX);
    while !table.is_char_boundary(end) {
        end -= 1;
    }
    &table[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids(names: &[&str]) -> Vec<FileId> {
        names.iter().map(|name| FileId::from_ledger(name)).collect()
    }

    proptest! {
        #[test]
        fn our_own_names_are_recognised(table in "[a-zäß_0-9]{1,250}", attempt: u128) {
            let name = staging_table(&table, ids(&["a"]).iter(), Attempt(attempt));
            prop_assert!(name.chars().count() <= 255);
            let parsed = StagingName::parse(&name).expect("our own name");
            prop_assert!(table.starts_with(&parsed.table));
            prop_assert_eq!(parsed.attempt, Attempt(attempt).to_string());
        }
    }

    #[test]
    fn the_order_of_files_does_not_matter_and_the_attempt_does() {
        let (a, b) = (ids(&["a", "b"]), ids(&["b", "a"]));
        let name = |files: &[FileId], n| staging_table("t", files.iter(), Attempt(n));
        assert_eq!(name(&a, 1), name(&b, 1));
        assert_ne!(name(&a, 1), name(&a, 2));
    }

    #[test]
    fn names_of_others_are_left_alone() {
        for name in [
            "stg_users",
            "stg_users_1a2b3c4d",
            "stg_users_1732000000000",
            "stg_users_0123456789abcdef_tooshort",
            "stg_users_0123456789ABCDEF_00000000000000000000000000",
            "stg__0123456789abcdef_00000000000000000000000000",
            "users_0123456789abcdef_00000000000000000000000000",
        ] {
            assert_eq!(StagingName::parse(name), None, "{name}");
        }
    }
}
