//! The fuzz targets: plain functions over bytes, run by proptest here and by cargo-fuzz in `fuzz/`.

pub(crate) mod choices;
pub(crate) mod grammar;
pub(crate) mod http;
pub(crate) mod parquet;
pub(crate) mod rules;
pub(crate) mod sql;
pub(crate) mod typed;
