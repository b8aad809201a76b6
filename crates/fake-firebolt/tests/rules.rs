//! Fault rules as files and requests hold them: what is read, what is refused, and where it says
//! the mistake is.

use fake_firebolt::Rule;
use fake_firebolt::fault::{Place, RuleFile, Side};
use proptest::prelude::*;

fn read(text: &str) -> Result<RuleFile, String> {
    RuleFile::from_toml(text, Side::Server).map_err(|error| error.to_string())
}

/// A rule with these lines, the first of which is the third of the file.
fn with(lines: &str) -> String {
    format!("[[fault]]\nname = \"r\"\n{lines}")
}

#[test]
fn every_key_is_read() {
    let text = r#"
        seed = 7

        [[fault]]
        name     = "a"
        on       = ["insert", "merge"]
        sql      = "* users *"
        label    = "loader-*"
        table    = "users"
        at       = ["executed", "committed"]
        does     = "drop-connection"
        after    = 2
        chance   = "1/20"
        at_most  = 3

        [[fault]]
        name         = "b"
        on           = "any"
        at           = "received"
        does         = "refuse-request"
        status       = 429
        body         = "slow down"
        content_type = "text/plain"
        headers      = { retry-after = "7" }
        every        = 5
    "#;
    let file = read(text).expect("a file of rules");
    assert_eq!((file.seed, file.rules.len()), (Some(7), 2));
    let written: Vec<String> = file.rules.iter().map(|rule| rule.to_json().to_string()).collect();
    let expected = [
        r#"{"after":2,"at":["executed","committed"],"at_most":3,"chance":"1/20","does":"drop-connection","label":"loader-*","name":"a","on":["insert","merge"],"sql":"* users *","table":"users"}"#,
        r#"{"at":["received"],"body":"slow down","content_type":"text/plain","does":"refuse-request","every":5,"headers":{"retry-after":"7"},"name":"b","status":429}"#,
    ];
    assert_eq!(written, expected);
}

#[test]
fn a_phase_may_be_left_out_where_there_is_only_one() {
    for (does, phase) in [
        ("lose-request", "received"),
        ("conflict", "executing"),
        ("report-conflict", "committed"),
        ("truncate-reply", "answered"),
        ("fail-late", "answered"),
    ] {
        let file = read(&with(&format!("does = '{does}'"))).expect(does);
        assert_eq!(file.rules[0].to_json()["at"], serde_json::json!([phase]), "{does}");
    }
}

#[test]
fn mistakes_are_told_with_line_column_key_and_what_is_allowed() {
    for (lines, expected) in [
        ("does = 'explode'", "3:8: `does`: \"explode\" is nothing a rule does; allowed: drop-conn"),
        ("dose = 'hold'", "3:1: `dose`: no such key; a rule has: name, on, sql"),
        ("does = 'hold'", "1:1: `at`: hold needs a phase: one or more of received, executing"),
        (
            "does = 'conflict'\nat = 'answered'",
            "4:6: `at`: conflict means nothing at answered; allowed: executing",
        ),
        ("does = 'conflict'\non = 'select'", "4:6: `on`: conflict never strikes select at exec"),
        ("does = 'hold'\non = 'merg'\nat = 'received'", "4:6: `on`: \"merg\" names no statement; "),
        ("does = 'hold'\nat = ['received', 'sent']", "4:19: `at`: sent is on the client's side"),
        ("does = 'hold'\nat = 'begun'", "4:6: `at`: \"begun\" is no phase; allowed: received, "),
        (
            "does = 'hold'\non = 'commit'\nat = 'executed'",
            "4:6: `on`: hold never strikes commit at executed",
        ),
        (
            "does = 'hold'\non = 'sign-on'\nat = 'executing'",
            "4:6: `on`: hold never strikes sign-on at executing",
        ),
        (
            "does = 'hold'\non = ['commit']\nat = ['committed', 'executed']",
            "5:6: `at`: no request of commit reaches executed",
        ),
        (
            "does = 'hold'\nat = 'received'\non = 'sign-on'\nsql = '*'",
            "5:6: `on`: a sign-on has no text, no label and no table",
        ),
        (
            "does = 'fail-late'\non = 'engine-url'",
            "4:6: `on`: fail-late never strikes engine-url at",
        ),
        ("does = 'delay'\nat = 'received'", "1:1: `by`: delay needs it, such as by = \"5s\""),
        ("does = 'delay'\nat = 'received'\nby = '5'", "5:6: `by`: \"5\" is no time span; write"),
        ("does = 'delay'\nat = 'received'\nby = 5", "5:6: `by`: expected a string, found a whole"),
        ("does = 'conflict'\nstatus = 409", "4:1: `status`: means nothing to conflict, which tak"),
        ("does = 'conflict'\nnth = 0", "4:7: `nth`: counting starts at 1"),
        ("does = 'conflict'\nevery = -1", "4:9: `every`: a count is not negative"),
        ("does = 'conflict'\nat_most = 0", "4:11: `at_most`: a rule that strikes at most 0 times"),
        ("does = 'conflict'\nchance = 0.05", "4:10: `chance`: expected a string, found a number "),
        ("does = 'conflict'\nchance = '3/2'", "4:10: `chance`: 3/2 is more than always, which is"),
        ("does = 'conflict'\nnth = 1\nchance = '1/2'", "5:1: `chance`: a rule has one of nth, ev"),
        ("does = 'answer-instead'\nat = 'answered'", "1:1: `status`: answer-instead cannot do wi"),
        ("does = 'report-error'\nat = 'answered'\nstatus = 999", "5:10: `status`: an HTTP status"),
        (
            "does = 'report-error'\nat = 'answered'\nheaders = {content-length = '1'}",
            "5:11: `headers`: content-length is the server's own to write",
        ),
        (
            "does = 'report-error'\nat = 'answered'\nheaders = {'a b' = '1'}",
            "5:11: `headers`: \"a b\" cannot be the name of a header",
        ),
        ("does = 'hold'\non = []", "4:6: `on`: an empty list; leave the key out"),
        ("does = ", "3:8: "),
        ("does = 'hold'\nat = 'received'\n[[foult]]", "5:3: `foult`: no such key; allowed here: s"),
    ] {
        let error = read(&with(lines)).expect_err(lines);
        assert!(error.starts_with(expected), "{lines:?}\n  {error}\n  {expected}");
    }
    assert_eq!(
        read("seed = 'x'"),
        Err("1:8: `seed`: expected a whole number, found a string".into())
    );
    assert_eq!(
        read("[fault]"),
        Err("1:1: `fault`: expected a list of rules: write [[fault]] above each".into())
    );
    assert_eq!(
        read("[[fault]]\ndoes='conflict'"),
        Err("1:1: `name`: a rule cannot do without".into())
    );
}

#[test]
fn a_proxy_refuses_what_only_a_server_can_do() {
    for (lines, expected) in [
        ("does = 'conflict'", "3:8: `does`: a proxy cannot do conflict: it hurts the wire only"),
        (
            "does = 'hold'\nat = 'committed'",
            "4:6: `at`: hold means nothing at committed in front of a real service; allowed: received, answered",
        ),
    ] {
        let error = RuleFile::from_toml(&with(lines), Side::Wire).expect_err(lines);
        assert_eq!(error.to_string(), expected);
    }
    let file = RuleFile::from_toml(&with("does = 'report-conflict'"), Side::Wire).expect("a rule");
    assert_eq!(file.rules[0].to_json()["at"], serde_json::json!(["answered"]));
}

#[test]
fn json_is_read_alike_and_its_mistakes_have_a_path() {
    use serde_json::json;
    let rule = json!({"name": "a", "does": "hold", "at": "received"});
    for document in [rule.clone(), json!([rule]), json!({"seed": 3, "fault": [rule]})] {
        let file = RuleFile::from_json(document, Side::Server).expect("rules");
        assert_eq!(file.rules.len(), 1);
    }
    for (document, expected) in [
        (json!(7), "the document: expected rules, found a whole number"),
        (
            json!([{"name": "a", "does": "hold", "at": ["received", 7]}]),
            "[0].at[1]: `at`: expected a string, found a whole number",
        ),
        (
            json!({"fault": [rule, {"name": "b", "does": "hold", "on": "x", "at": "received"}]}),
            "fault[1].on: `on`: \"x\" names no statement",
        ),
    ] {
        let error = RuleFile::from_json(document, Side::Server).expect_err(expected).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
}

/// Lines that are nearly those of a rule: keys and values are right each, and seldom together.
fn lines() -> impl Strategy<Value = String> {
    let key = prop_oneof![
        Just("name"),
        Just("on"),
        Just("at"),
        Just("does"),
        Just("by"),
        Just("nth"),
        Just("chance"),
        Just("after"),
        Just("status"),
        Just("headers"),
        Just("at_most"),
    ];
    let value = prop_oneof![
        Just("'hold'"),
        Just("'delay'"),
        Just("'conflict'"),
        Just("'commit'"),
        Just("'received'"),
        Just("['merge', 'insert']"),
        Just("['executing']"),
        Just("'1/20'"),
        Just("'5s..=1m'"),
        Just("3"),
        Just("-1"),
        Just("0x7f"),
        Just("1.5"),
        Just("true"),
        Just("{a = 'b'}"),
        Just("[[1]]"),
        Just("1979-05-27"),
        Just("'é\\n'"),
    ];
    let line = (key, value).prop_map(|(key, value)| format!("{key} = {value}\n"));
    prop::collection::vec(line, 0..8).prop_map(|lines| format!("[[fault]]\n{}", lines.concat()))
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_with_a_place(text in prop_oneof![lines(), "\\PC{0,80}"]) {
        if let Err(error) = RuleFile::from_toml(&text, Side::Server) {
            let Place::Line { line, column } = error.place else { panic!("a line and a column") };
            let count = text.lines().count().max(1) + 1;
            prop_assert!((1..=count).contains(&line), "{}", error);
            prop_assert!(column >= 1 && !error.problem.is_empty());
        }
    }

    #[test]
    fn a_rule_that_is_read_is_written_and_read_again(text in lines()) {
        if let Ok(file) = RuleFile::from_toml(&text, Side::Server) {
            let written: Vec<_> = file.rules.iter().map(Rule::to_json).collect();
            let again = RuleFile::from_json(written.into(), Side::Server).expect("its own words");
            prop_assert_eq!(again.rules, file.rules);
        }
    }
}

const PAGE: &str = include_str!("../../../docs/faults.md");

/// The lines of the page between a fence of this kind and its end.
fn blocks(fence: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut lines = PAGE.lines();
    while let Some(line) = lines.next() {
        if line == format!("```{fence}") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push(block.join("\n"));
        }
    }
    blocks
}

#[test]
fn the_examples_of_the_page_are_read() {
    for (fence, side, count) in [("toml", Side::Server, 2), ("toml proxy", Side::Wire, 1)] {
        let found = blocks(fence);
        assert_eq!(found.len(), count, "{fence}");
        for block in found {
            RuleFile::from_toml(&block, side).unwrap_or_else(|error| panic!("{error}\n{block}"));
        }
    }
}

#[test]
fn the_table_of_the_page_is_what_rules_do() {
    let refusal = read(&with("does = '?'")).expect_err("no such deed");
    let (_, deeds) = refusal.split_once("allowed: ").expect("a list");
    let mut told = Vec::new();
    let (_, table) = PAGE.split_once("## What a rule does").expect("a chapter");
    let (table, _) = table.split_once("```").expect("an example");
    for line in table.lines().filter(|line| line.starts_with("| `") && !line.contains("`does`")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let does = cells[1].trim_matches('`');
        told.push(does);
        for (side, cell) in [(Side::Server, cells[2]), (Side::Wire, cells[3])] {
            for phase in ["received", "executing", "executed", "committed", "answered"] {
                let by = if ["delay", "execute-late"].contains(&does) { "by = '1s'" } else { "" };
                let status = if does == "answer-instead" { "status = 200" } else { "" };
                let text = with(&format!("does = '{does}'\nat = '{phase}'\n{by}\n{status}"));
                let strikes = RuleFile::from_toml(&text, side).is_ok();
                let says = cell.split(", ").any(|told| told == phase);
                assert_eq!(strikes, says, "{does} at {phase} ({side:?})");
            }
        }
    }
    assert_eq!(told.join(", "), deeds);
}
