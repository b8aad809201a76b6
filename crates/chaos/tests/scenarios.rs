//! Every scenario of the repository is sound, and unsound ones are refused with a place and advice.

use std::collections::BTreeMap;
use std::path::Path;

use chaos::plan::{Plan, Policy};
use chaos::scenario::Library;
use chaos::seed::Seed;

fn repository() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn complaints(text: &str) -> String {
    let texts = BTreeMap::from([("network/example".to_owned(), text.to_owned())]);
    match Library::assemble(&texts, &|_| None) {
        Ok(_) => "accepted".to_owned(),
        Err(found) => {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            shown.join("\n")
        }
    }
}

#[test]
fn every_scenario_of_the_repository_is_sound() {
    let library = match Library::read(repository()) {
        Ok(library) => library,
        Err(found) => {
            let shown: Vec<String> = found.iter().map(ToString::to_string).collect();
            panic!("{}", shown.join("\n"));
        }
    };
    assert!(library.all().count() >= 13);
    for scenario in library.all() {
        let promise = if scenario.mutant.is_some() { "Caught" } else { "Guards" };
        assert!(scenario.header.contains(promise), "{} says {promise}", scenario.name);
        let plan = Plan::resolve(scenario, Seed(1), Policy::Engine);
        assert_eq!(Plan::from_toml(&plan.to_toml()).as_ref(), Ok(&plan), "{}", scenario.name);
        let reaches = !plan.expect.marks.is_empty() || !plan.expect.faults.is_empty();
        // A scenario without fresh seeds is a world for an enumeration, which counts for itself.
        let proves = reaches || scenario.mutant.is_some() || scenario.fresh == 0;
        assert!(proves, "{} must reach something", scenario.name);
    }
}

#[test]
fn an_unknown_key_is_refused_with_its_place() {
    insta::assert_snapshot!(complaints(
        "[scenario]\ntier = \"pr\"\n\n[[fault]]\nname = \"x\"\non = \"commit\"\nat = [\"sent\"]\n\
         does = \"drop-connection\"\nchnace = \"1/3\"\n"
    ));
}

#[test]
fn an_impossible_value_is_refused_with_its_place() {
    insta::assert_snapshot!(complaints(
        "[[fault]]\nname = \"x\"\non = \"comit\"\nat = [\"sent\"]\ndoes = \"drop-connection\"\n\
         chance = \"1/3\"\n"
    ));
}

#[test]
fn a_chance_above_one_is_refused() {
    insta::assert_snapshot!(complaints("[delivery]\nduplicate = \"3/2\"\n"));
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    insta::assert_snapshot!(complaints(
        r#"[scenario]
bounds = { sim_time = "20m", steps = 1000 }

[workload]
batches = { count = 0, rows = "1..=4" }

[delivery]
workers = 0

[warehouse]
quirks = { conflict_unit = ["row", "page"] }
latencies.mrege = { min = "5ms", mean = "1ms", max = "1s" }

[[fault]]
name   = "twin"
on     = "commit"
at     = ["executed"]
does   = "conflict"
chance = "1/3"

[[fault]]
name   = "twin"
on     = "commit"
at     = ["received"]
does   = "execute-late"
chance = "0"

[heal]
after  = "10m"
within = "50m"

[[expect.reached]]
mark = "merge.never"
"#
    ));
}

#[test]
fn a_base_that_does_not_exist_is_refused() {
    insta::assert_snapshot!(complaints("extends = \"network/lost-comit-ack\"\n"));
}
