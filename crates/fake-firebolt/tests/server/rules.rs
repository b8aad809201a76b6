//! Rules at work on the server: each deed, at the phases where it means something; what the client
//! hears, what is true, and what the counters say.

use std::sync::Arc;
use std::time::Duration;

use fake_firebolt::fault::Span;
use fake_firebolt::sql::StatementKind;
use fake_firebolt::{
    CannedReply, Does, FakeConfig, FakeFirebolt, Hooks, On, Phase, Rule, RuleHooks, When,
    gateway_reply,
};
use tokio::time::Instant;

use crate::harness::{Client, Heard, rows, upsert};

const INSERT: &str = "INSERT INTO t VALUES (3, 'c')";
const BEFORE: &str = "1=a 2=b";
const AFTER: &str = "1=a 2=b 3=c";

/// A server under rules, with the table that the harness knows.
pub(crate) fn ruled(rules: Vec<Rule>) -> (FakeFirebolt, Arc<RuleHooks>) {
    let hooks = Arc::new(RuleHooks::new(7).with_statement_log());
    hooks.add_all(rules).expect("rules that mean something");
    let fake = FakeFirebolt::new(FakeConfig::default(), Arc::clone(&hooks) as Arc<dyn Hooks>);
    fake.setup(
        "CREATE TABLE t (id INTEGER NOT NULL, v TEXT NULL);
         INSERT INTO t VALUES (1, 'a'), (2, 'b');",
    )
    .expect("the seed");
    (fake, hooks)
}

fn insert_rule(does: Does, phase: Phase) -> Rule {
    Rule::new("it", does).on(StatementKind::Insert).at(phase)
}

/// Sends the INSERT under one rule: what is heard, and what is in the table a minute later.
async fn struck(rule: Rule) -> (Heard, String) {
    let (fake, hooks) = ruled(vec![rule]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = tokio::time::timeout(Duration::from_secs(60), client.sql(INSERT)).await;
    assert_eq!(hooks.fired("it"), 1, "it strikes once");
    tokio::time::sleep(Duration::from_secs(60)).await;
    (heard.unwrap_or(Heard::Nothing), rows(&fake))
}

#[tokio::test(start_paused = true)]
async fn a_deed_before_the_commit_loses_the_request_and_one_after_it_the_reply() {
    use Phase::{Answered, Committed, Executing, Received};
    let text = || CannedReply::text(500, "as told");
    for does in [
        Does::DropConnection,
        Does::ResetConnection,
        Does::NeverAnswer,
        Does::AnswerInstead(text()),
        Does::ReportError(text()),
        Does::CannotBeRetried,
    ] {
        for (phase, expected) in
            [(Received, BEFORE), (Executing, BEFORE), (Committed, AFTER), (Answered, AFTER)]
        {
            if !does.phases().contains(&phase) {
                continue;
            }
            let (heard, found) = struck(insert_rule(does.clone(), phase)).await;
            assert_eq!(found, expected, "{does:?} at {phase:?}");
            match does {
                Does::AnswerInstead(_) | Does::ReportError(_) => {
                    assert_eq!((heard.status(), heard.body()), (500, "as told"), "{phase:?}");
                }
                Does::CannotBeRetried => {
                    assert_eq!(heard.body(), "Query of type 'DML Insert' cannot be retried");
                }
                _ => assert_eq!(heard, Heard::Nothing, "{does:?} at {phase:?}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn requests_that_are_lost_refused_or_let_in_no_more_do_nothing() {
    let (heard, found) = struck(insert_rule(Does::LoseRequest, Phase::Received)).await;
    assert_eq!((heard, found.as_str()), (Heard::Nothing, BEFORE));
    let refusal = Does::RefuseRequest(gateway_reply(429));
    let (heard, found) = struck(insert_rule(refusal, Phase::Received)).await;
    assert_eq!((heard.status(), heard.header("retry-after")), (429, Some("1")));
    assert_eq!(found, BEFORE);
    let (heard, found) = struck(insert_rule(Does::ExpireToken, Phase::Received)).await;
    assert_eq!((heard.status(), found.as_str()), (401, BEFORE));
}

#[tokio::test(start_paused = true)]
async fn an_error_hides_in_a_success() {
    let does = Does::HideError { text: "Cluster not yet healthy".to_owned() };
    let (heard, found) = struck(insert_rule(does, Phase::Executing)).await;
    assert_eq!((heard.status(), found.as_str()), (200, BEFORE));
    assert_eq!(heard.json()["errors"][0]["description"], "Cluster not yet healthy");
}

#[tokio::test(start_paused = true)]
async fn an_error_comes_after_the_rows() {
    let late = || Does::FailLate { text: "Line 1, Column 8: out of memory".to_owned() };
    let (fake, hooks) = ruled(vec![Rule::new("it", late())]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    assert_eq!(hooks.rules()[0].seen, 0, "a sign-on has no rows");
    let heard = client.sql("SELECT id FROM t ORDER BY id").await;
    assert_eq!(heard.data(), serde_json::json!([[1], [2]]));
    assert_eq!(heard.json()["errors"][0]["description"], "Line 1, Column 8: out of memory");
    assert_eq!(client.sql("SELECT nothing").await.status(), 400, "what fails anyway fails so");
    client.parameters.insert("output_format".to_owned(), "JSONLines_Compact".to_owned());
    let heard = client.sql("SELECT id FROM t").await;
    let last = heard.body().lines().last().expect("a line");
    assert_eq!(heard.status(), 200);
    assert!(last.starts_with("{\"message_type\":\"FINISH_WITH_ERRORS\","), "{last}");
    let (heard, found) = struck(Rule::new("it", late()).on(StatementKind::Insert)).await;
    assert_eq!((heard.status(), found.as_str()), (200, AFTER), "what is done stays done");
    assert!(heard.json()["errors"].is_array());
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_clean_and_a_reported_one_is_not() {
    let (heard, found) = struck(insert_rule(Does::Conflict, Phase::Executing)).await;
    assert_eq!((heard.status(), found.as_str()), (409, BEFORE));
    assert!(heard.body().contains("detected 1 conflicts"), "{heard:?}");
    let (heard, found) = struck(insert_rule(Does::ReportConflict, Phase::Committed)).await;
    assert_eq!((heard.status(), found.as_str()), (409, AFTER));
}

#[tokio::test(start_paused = true)]
async fn a_conflict_strikes_only_what_can_conflict() {
    let (fake, hooks) = ruled(vec![Rule::new("it", Does::Conflict)]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.ok("SELECT id FROM t").await;
    client.sql("BEGIN").await;
    client.ok(INSERT).await;
    assert_eq!(hooks.rules()[0].seen, 0, "a statement of a transaction finds no conflict");
    assert_eq!(client.sql("COMMIT").await.status(), 409);
    assert_eq!((hooks.fired("it"), rows(&fake).as_str()), (1, BEFORE));
}

#[tokio::test(start_paused = true)]
async fn drops_fail_before_or_after_they_are_done() {
    for (does, gone) in [(Does::FailDrop, false), (Does::ReportFailedDrop, true)] {
        let (fake, _) = ruled(vec![Rule::new("it", does)]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        assert_eq!(client.sql("DROP TABLE t").await.status(), 500);
        assert_eq!(fake.query("SELECT id FROM t").is_err(), gone);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_breaks_off_where_it_is_told_to() {
    let rule = Rule::new("it", Does::TruncateReply { bytes: 9 }).on(StatementKind::Insert);
    let (heard, found) = struck(rule).await;
    let Heard::Broken { body } = heard else { panic!("{heard:?}") };
    assert_eq!((body.len(), found.as_str()), (9, AFTER));
}

#[tokio::test(start_paused = true)]
async fn delays_and_late_executions_take_the_time_that_they_are_told() {
    let five = Span::from(Duration::from_secs(5));
    for phase in [Phase::Received, Phase::Executing, Phase::Committed, Phase::Answered] {
        let started = Instant::now();
        let (fake, _) = ruled(vec![insert_rule(Does::Delay { by: five }, phase)]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        client.ok(INSERT).await;
        assert_eq!(started.elapsed(), Duration::from_secs(5), "{phase:?}");
    }
    let (fake, _) = ruled(vec![insert_rule(Does::ExecuteLate { by: five }, Phase::Received)]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    assert_eq!(client.sql(INSERT).await, Heard::Nothing);
    assert_eq!(rows(&fake), BEFORE);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!(rows(&fake), AFTER);
}

#[tokio::test(start_paused = true)]
async fn a_doubled_request_executes_twice() {
    let (heard, found) = struck(insert_rule(Does::SendTwice, Phase::Received)).await;
    assert_eq!((heard.status(), found.as_str()), (200, "1=a 2=b 3=c 3=c"));
}

#[tokio::test(start_paused = true)]
async fn the_engine_restarts_under_a_statement() {
    let away = Span::from(Duration::from_secs(4));
    for (phase, expected) in [(Phase::Executing, BEFORE), (Phase::Committed, AFTER)] {
        let rule = Rule::new("it", Does::RestartEngine { away })
            .on(StatementKind::Merge)
            .at(phase)
            .at_most(1);
        let (fake, _) = ruled(vec![rule]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let heard = client.sql(&upsert(3, "c")).await;
        assert_eq!(heard.body(), "Query of type 'DML Merge' cannot be retried");
        assert_eq!(rows(&fake), expected, "{phase:?}");
        client.reconnect().await;
        let started = Instant::now();
        client.ok("SELECT id FROM t").await;
        assert_eq!(started.elapsed(), Duration::from_secs(4), "the engine is away");
    }
}

#[tokio::test(start_paused = true)]
async fn a_held_request_stands_still_until_it_is_released() {
    for (phase, while_held) in
        [(Phase::Received, BEFORE), (Phase::Executing, BEFORE), (Phase::Committed, AFTER)]
    {
        let (fake, hooks) = ruled(vec![insert_rule(Does::Hold, phase)]);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        let insert = tokio::spawn(async move { client.sql(INSERT).await });
        let held = hooks.wait_held(1, |held| &*held.rule == "it").await;
        assert_eq!((&*held[0].request.sql, held[0].phase), (INSERT, phase));
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(rows(&fake), while_held, "{phase:?}");
        assert!(!insert.is_finished());
        assert_eq!(hooks.release(|_| true), 1);
        assert_eq!(insert.await.expect("no panic").status(), 200);
        assert_eq!(rows(&fake), AFTER);
        assert!(hooks.held().is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_kills_what_is_held() {
    let (fake, hooks) = ruled(vec![insert_rule(Does::Hold, Phase::Executing)]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let insert = tokio::spawn(async move { client.sql(INSERT).await });
    hooks.wait_held(1, |_| true).await;
    fake.restart_engine(Duration::ZERO);
    assert_eq!(insert.await.expect("no panic"), Heard::Nothing);
    assert!(hooks.held().is_empty(), "the dead are not listed");
    assert_eq!((hooks.release(|_| true), rows(&fake).as_str()), (0, BEFORE));
}

#[tokio::test(start_paused = true)]
async fn rules_choose_by_text_label_table_and_number() {
    let refuse = || Does::RefuseRequest(gateway_reply(503));
    let (fake, hooks) = ruled(vec![
        Rule::new("text", refuse()).sql("select 'by text'*"),
        Rule::new("label", refuse()).label("loader-*"),
        Rule::new("table", refuse()).table("stg_*").on(On::Write),
        Rule::new("second", refuse()).sql("SELECT 2").when(When::Nth(2)),
        Rule::new("third on", refuse()).sql("SELECT 3").after(2).at_most(1),
        Rule::new("each second", refuse()).sql("SELECT 4").when(When::Every(2)),
    ]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    assert_eq!(client.sql("SELECT  'by text', 1").await.status(), 503);
    client.parameters.insert("query_label".to_owned(), "loader-1".to_owned());
    assert_eq!(client.sql("SELECT 1").await.status(), 503);
    client.parameters.remove("query_label");
    assert_eq!(client.sql("DROP TABLE stg_7").await.status(), 503);
    assert_eq!(client.sql("SELECT id FROM stg_7").await.status(), 400, "a read");
    for (sql, expected) in [
        ("SELECT 2", [200, 503, 200, 200]),
        ("SELECT 3", [200, 200, 503, 200]),
        ("SELECT 4", [200, 503, 200, 503]),
    ] {
        let mut heard = Vec::new();
        for _ in 0..4 {
            heard.push(client.sql(sql).await.status());
        }
        assert_eq!(heard, expected, "{sql}");
    }
    let fired: Vec<u64> = hooks.rules().iter().map(|rule| rule.fired).collect();
    assert_eq!(fired, [1, 1, 1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn chances_come_from_the_seed_and_from_no_other_rule() {
    let chance = When::Chance(fake_firebolt::Ratio::new(1, 3).expect("a ratio"));
    let rule = |name: &str| {
        Rule::new(name, Does::RefuseRequest(gateway_reply(503))).sql("SELECT *").when(chance)
    };
    let heard = async |rules: Vec<Rule>, seed: u64| {
        let (fake, hooks) = ruled(rules);
        hooks.reseed(seed);
        let mut client = Client::sign_on(&fake, "worker-1").await;
        for _ in 0..60 {
            client.sql("SELECT 1").await;
        }
        hooks.rules().into_iter().map(|it| (it.seen, it.fired, it.outvoted)).collect::<Vec<_>>()
    };
    let alone = heard(vec![rule("a")], 1).await;
    assert_eq!(alone[0].0, 60);
    assert!((8..=32).contains(&alone[0].1), "about a third: {alone:?}");
    assert_eq!(alone, heard(vec![rule("a")], 1).await);
    let both = heard(vec![rule("b"), rule("a")], 1).await;
    assert_eq!(both[1].1 + both[1].2, alone[0].1, "the other rule shifts nothing: {both:?}");
    assert_ne!(heard(vec![rule("a")], 2).await, heard(vec![rule("a")], 3).await);
}

#[tokio::test(start_paused = true)]
async fn the_log_tells_what_was_asked_and_what_struck() {
    let (fake, hooks) = ruled(vec![
        Rule::new("lost", Does::DropConnection).on(StatementKind::Insert).at(Phase::Committed),
    ]);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.parameters.insert("query_label".to_owned(), "a label".to_owned());
    client.ok("SELECT 1").await;
    assert_eq!(client.sql(INSERT).await, Heard::Nothing);
    let (statements, forgotten) = hooks.statements();
    assert_eq!(forgotten, 0);
    let told: Vec<_> = statements
        .iter()
        .map(|it| (it.request.name(), it.request.label.as_deref(), it.status, it.faults.join(" ")))
        .collect();
    let expected = [
        ("sign-on", None, Some(200), String::new()),
        ("select", Some("a label"), Some(200), String::new()),
        ("insert", Some("a label"), None, "lost@committed".to_owned()),
    ];
    assert_eq!(told, expected);
}

#[tokio::test(start_paused = true)]
async fn a_name_is_taken_once_and_a_bad_rule_adds_none() {
    let (_, hooks) = ruled(vec![]);
    let good = Rule::new("a", Does::Conflict);
    let bad = Rule::new("b", Does::Conflict).at(Phase::Answered);
    let error = hooks.add_all(vec![good.clone(), bad]).expect_err("no meaning");
    assert_eq!(
        error.to_string(),
        "rule \"b\": `at`: conflict means nothing at answered; allowed: executing"
    );
    assert!(hooks.rules().is_empty(), "all or nothing");
    hooks.add(good.clone()).expect("a good rule");
    assert_eq!(hooks.add(good).expect_err("taken").key, "name");
    assert!(hooks.remove("a") && !hooks.remove("a"));
}
