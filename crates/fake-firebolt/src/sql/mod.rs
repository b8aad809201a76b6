//! The SQL front end: text in, changes of a transaction and a result out.
//!
//! ```text
//! text ─ parse ─► Statement ─ bind ─► Plan + Expr (names gone, types settled) ─ run ─► rows
//!          │                    └─ refusals in Firebolt's words
//!          └─ copy (what sqlparser cannot read)
//! ```
//! Binding happens once per execution; after it no name and no type is looked at again.
//! Anything outside the dialect is an error that names the construct: a fake that guesses lies.
//! No clock, no IO, no tokio in here.

mod aggregate;
mod alter_table;
mod arithmetic;
mod array_text;
mod ast_walk;
mod bind;
mod bind_aggregate;
mod bind_arithmetic;
mod bind_array;
mod bind_call;
mod bind_compare;
mod bind_group;
mod bind_join;
mod bind_json;
mod bind_lambda;
mod bind_predicate;
mod bind_query;
mod bind_select;
mod bind_struct;
mod bind_table;
mod bind_time;
mod bind_window;
mod bytes_text;
mod cast;
mod catalog;
mod catalog_account;
mod catalog_tables;
mod city_hash;
mod clone;
mod coerce;
mod column_default;
mod context;
mod copy;
mod copy_load;
mod csv_schema;
pub(crate) mod datetime;
mod datetime_field;
mod datetime_pattern;
mod datetime_read;
mod datetime_render;
mod ddl;
mod definition;
mod delete;
mod entry;
mod error;
mod escapes;
mod execute;
mod explain;
mod expr;
mod external;
mod function;
mod function_array;
mod function_geography;
mod function_json;
mod function_number;
mod function_text;
mod function_time;
mod geography;
mod index;
mod insert;
mod join;
mod json;
mod key_index;
mod lambda;
mod like;
mod literal;
mod location;
mod merge;
mod meter;
mod numeric;
mod operands;
mod paired;
mod parameters;
mod parse;
mod parse_array_type;
mod parse_cache;
mod parse_change;
mod parse_definition;
mod parse_slots;
mod parse_struct_type;
mod parse_top;
mod parse_typed_literal;
mod plan;
mod read_options;
mod regexp;
mod same_expr;
mod scope;
mod script;
mod server_call;
mod set_operation;
mod show;
mod spread;
mod statement;
mod table_clauses;
mod table_function;
#[cfg(test)]
mod tests;
mod type_name;
mod unnest;
mod update;
mod vacuum;
mod view;
mod volatile;
mod wildcard;
mod window;

pub use context::{NoServer, RunningQuery, ServerViews, StatementContext, Watch};
pub use error::{SqlError, SqlErrorKind};
pub use execute::execute;
pub(crate) use execute::execute_on_snapshot;
pub use external::{
    CsvOptions, ExternalFile, ExternalFiles, ExternalRead, ExternalTable, FileFormat, Flaw,
};
pub use location::{LocationChange, LocationStatement};
pub use parameters::{QueryParameter, names_parameters, parse_all_with};
pub use parse_cache::parse;
pub use script::{is_one_transaction, parse_all};
pub use statement::{EngineRun, Statement, StatementKind};
