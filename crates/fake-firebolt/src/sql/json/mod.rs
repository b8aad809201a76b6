//! JSON documents in a TEXT: reading them, the way to a place in one, and writing them anew.

mod read;

pub(super) use read::{Json, Kind, read};
