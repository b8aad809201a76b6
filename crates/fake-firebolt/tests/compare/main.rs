//! The fake and PostgreSQL, asked the same at random: thousands of scripts that nobody wrote.
//!
//! ```text
//! COMPARE_SEED=7 COMPARE_CASES=10000 POSTGRES_URL=postgres://postgres@127.0.0.1:5432/postgres \
//!     cargo test -p fake-firebolt --features postgres-arm --test compare
//! ```
//! A case is a handful of tables and of statements in the portable dialect, out of one number. Both
//! engines run it; rows, types and refusals must agree. What does not is cut down and shown as a
//! script: what is then mended belongs into `fixtures/sql/portable`, so that it stays so. What is
//! known to differ is not generated (the generator says why, `docs/fidelity.md` says what).
//!
//! `cargo xtask conformance --only postgres-random --seed 7 --cases 10000` starts a PostgreSQL for it.

mod draw;
mod engines;
#[path = "../slt/letter.rs"]
mod letter;
#[path = "../slt/letter_of_oid.rs"]
mod letter_of_oid;
#[path = "../slt/letter_of_type.rs"]
mod letter_of_type;
#[path = "../slt/postgres_wire.rs"]
mod postgres_wire;
mod query;
mod risk;
mod shrink;
mod tables;
mod tree;
mod value;
mod write;

use self::draw::Draw;
use self::engines::Outcome;
use self::postgres_wire::{Address, Connection, Refusal};
use self::tree::Node;
use self::value::Generator;

/// Statements of a case, besides those that make its tables.
const STATEMENTS: usize = 12;

/// Disagreements after which a run ends: more are seldom more faults.
const DIFFERENCES_MAX: usize = 8;

const SETTINGS: &str = "SET timezone = 'UTC'; SET datestyle = 'ISO'; SET extra_float_digits = 1; \
     SET client_min_messages = 'error'; SET search_path = compared; \
     SET statement_timeout = '20s'; SET jit = off";

/// Where the engines disagree.
struct Difference {
    statement: usize,
    fake: Outcome,
    postgres: Outcome,
}

impl Difference {
    /// What it is about, roughly: who refused, and how that refusal begins.
    fn sort(&self) -> [Option<&str>; 2] {
        [&self.fake, &self.postgres].map(|outcome| match outcome {
            Outcome::Refused(text) => Some(text.get(..24).unwrap_or(text)),
            Outcome::Rows { .. } | Outcome::Done => None,
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "where the engine is is known to the caller only")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

fn number(name: &str, otherwise: u64) -> u64 {
    variable(name).map_or(otherwise, |text| text.parse().expect("a whole number"))
}

/// The script of a case.
fn script(seed: u64) -> Node {
    let mut draw = Draw::new(seed);
    let (tables, mut script) = tables::make(&mut draw);
    let mut generator = Generator::new(draw, tables);
    for _ in 0..STATEMENTS {
        if generator.draw.chance(1, 4) {
            script.extend(generator.write_statements());
        } else {
            script.push(match generator.draw.below(8) {
                0 => generator.star_statement(),
                1 => generator.risky_statement(),
                _ => generator.query_statement(),
            });
        }
    }
    Node::list(";\n", script, 1)
}

/// The first statement about which the engines disagree.
fn difference(connection: &mut Connection, script: &[Node]) -> Result<Option<Difference>, Refusal> {
    let theirs = engines::postgres(connection, script)?;
    let ours = engines::fake(script);
    let mut pairs = ours.into_iter().zip(theirs).enumerate();
    let found = pairs.find(|(_, (fake, postgres))| !fake.agrees(postgres));
    Ok(found.map(|(statement, (fake, postgres))| Difference { statement, fake, postgres }))
}

fn shown(seed: u64, script: &Node, found: &Difference) -> String {
    let statement = &script.items()[found.statement];
    format!(
        "seed {seed}: the engines disagree about\n  {statement}\n  fake: {}\n  PostgreSQL: {}\n\
         the whole script:\n{script};\n",
        found.fake, found.postgres
    )
}

fn compare(connection: &mut Connection, seed: u64, cases: u64) -> Result<Vec<String>, Refusal> {
    connection.query(SETTINGS)?;
    let mut found = Vec::new();
    for seed in seed..seed.saturating_add(cases) {
        let script = script(seed);
        let Some(first) = difference(connection, script.items())? else { continue };
        let (script, least) = shrink::shrink(connection, script, first)?;
        found.push(shown(seed, &script, &least));
        if found.len() == DIFFERENCES_MAX {
            break;
        }
    }
    Ok(found)
}

#[test]
fn both_engines_answer_alike() {
    let Some(url) = variable("POSTGRES_URL") else {
        println!("POSTGRES_URL is not set: PostgreSQL was not asked");
        return;
    };
    let (seed, cases) = (number("COMPARE_SEED", 1), number("COMPARE_CASES", 1_000));
    let server = Address::parse(&url).expect("POSTGRES_URL is an address");
    let mut admin = Connection::open(&server).expect("PostgreSQL answers");
    let database = format!("compare_{}", std::process::id());
    let create = format!(
        "CREATE DATABASE {database} TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'"
    );
    admin.query(&create).expect("the user may create databases");
    let mut connection =
        Connection::open(&server.with_database(&database)).expect("PostgreSQL answers");
    let found = compare(&mut connection, seed, cases);
    drop(connection);
    let dropped = admin.query(&format!("DROP DATABASE {database} WITH (FORCE)"));
    let found = found.expect("PostgreSQL answers");
    let many = found.len();
    assert!(found.is_empty(), "{}\n{many} differences from seed {seed} on", found.join("\n"));
    dropped.expect("the database can be dropped");
    println!("{cases} cases from seed {seed} on: the engines agree");
}

#[test]
fn a_seed_is_one_script() {
    assert_eq!(script(7).to_string(), script(7).to_string());
    assert_ne!(script(7).to_string(), script(8).to_string());
}

#[test]
fn a_script_is_cut_down_part_by_part() {
    let script = script(7);
    let smaller = script.smaller();
    assert!(smaller.len() > script.items().len(), "statements can go, and more than they");
    for candidate in smaller {
        assert_ne!(candidate.to_string(), script.to_string());
    }
}
