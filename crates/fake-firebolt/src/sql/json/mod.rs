//! JSON documents: reading them, the way to a place in one, and writing them anew.

mod pointer;
mod read;
mod write;

pub(super) use pointer::{entry, follow, member};
pub(super) use read::{Json, Kind, read};
pub(super) use write::{Layout, kept, laid_out};
