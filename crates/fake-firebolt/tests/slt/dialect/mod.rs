//! `docs/dialect.md`, made from what the scripts had accepted and refused, so that it cannot lie.
//!
//! After a change of the scripts or of the dialect, write it anew and read the difference:
//! `UPDATE_DIALECT=1 cargo test -p fake-firebolt --test slt dialect`. It holds no counts, so that it
//! changes when the dialect does, not when a record is added.

mod constructs;
mod page;

use std::path::Path;

use super::run_of_all_scripts;

#[expect(
    clippy::disallowed_methods,
    reason = "whether to write or to compare is the caller's word"
)]
fn is_to_be_written() -> bool {
    std::env::var("UPDATE_DIALECT").is_ok_and(|value| value == "1")
}

#[test]
fn dialect_is_what_the_scripts_show() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/dialect.md");
    let page = page::page(&run_of_all_scripts().outcomes);
    if is_to_be_written() {
        std::fs::write(&path, page).expect("docs/dialect.md can be written");
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = page.lines().zip(written.lines()).find(|(made, written)| made != written);
    assert!(
        page == written,
        "docs/dialect.md is not what the scripts show ({differs:?}); write it anew: \
         UPDATE_DIALECT=1 cargo test -p fake-firebolt --test slt dialect"
    );
}
