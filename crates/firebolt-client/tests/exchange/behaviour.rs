//! What the client does over time and under concurrency, on tokio's paused clock.

use std::sync::Arc;
use std::time::Duration;

use firebolt_client::{Commit, Effect, Error, ErrorKind, StatementOptions, TransportError};
use tokio::time::Instant;

use crate::script::{Answer, Script, bearer, ok, ok_with, parameter, reply, sign_on, sql, token};

const SECOND: Duration = Duration::from_secs(1);

fn options() -> StatementOptions {
    StatementOptions::default()
}

fn facts(error: &Error) -> (ErrorKind, Effect) {
    (error.kind(), error.effect())
}

/// A server that signs everybody on and answers every statement with `answer`.
fn cloud(mut answer: impl FnMut(&str) -> Answer + Send + 'static) -> Arc<Script> {
    Script::new(move |request| match sign_on(request) {
        Some(response) => Answer::Reply(response),
        None => answer(&sql(request)),
    })
}

#[tokio::test(start_paused = true)]
async fn statements_that_start_together_sign_on_once() {
    let script = cloud(|_| Answer::Reply(ok()));
    let client = script.cloud();
    let (first, second) = (options(), options());
    let (first, second) =
        tokio::join!(client.query("SELECT 1", &first), client.query("SELECT 2", &second));
    first.expect("the first succeeds");
    second.expect("the second succeeds");
    client.query("SELECT 3", &options()).await.expect("the third succeeds");
    let expected = [
        "token",
        "engineUrl",
        "USE DATABASE \"d\"",
        "USE ENGINE \"e\"",
        "SELECT 1",
        "SELECT 2",
        "SELECT 3",
    ];
    assert_eq!(script.log(), expected);
}

#[tokio::test(start_paused = true)]
async fn two_statements_refused_together_refresh_the_token_once() {
    let mut tokens = 0;
    let script = Script::new(move |request| {
        if request.uri().path().ends_with("/oauth/token") {
            tokens += 1;
            return Answer::Reply(token(&format!("tok-{tokens}"), 86_400));
        }
        if let Some(response) = sign_on(request) {
            return Answer::Reply(response);
        }
        match bearer(request).as_str() {
            "Bearer tok-1" => Answer::Reply(reply(401, "expired")),
            _ => Answer::Reply(ok()),
        }
    });
    let client = script.cloud();
    let (first, second) = (options(), options());
    let (first, second) =
        tokio::join!(client.query("SELECT 1", &first), client.query("SELECT 2", &second));
    first.expect("the first succeeds with the new token");
    second.expect("the second succeeds with the same new token");
    let log = script.log();
    assert_eq!(log.iter().filter(|line| *line == "token").count(), 2, "{log:?}");
    assert_eq!(log.iter().filter(|line| line.starts_with("SELECT")).count(), 4, "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_second_refusal_is_final_and_without_effect() {
    let script = cloud(|_| Answer::Reply(reply(401, "token tok is not welcome")));
    let error = script.cloud().query("SELECT 1", &options()).await.expect_err("refused twice");
    assert_eq!(facts(&error), (ErrorKind::Unauthorized, Effect::None));
    assert_eq!(script.log().iter().filter(|line| *line == "SELECT 1").count(), 2);
    assert!(!error.message().contains("tok "), "the token is shown: {error}");
}

#[tokio::test(start_paused = true)]
async fn a_token_is_renewed_before_it_expires() {
    let script = Script::new(|request| {
        if request.uri().path().ends_with("/oauth/token") {
            return Answer::Reply(token("tok", 1_000));
        }
        Answer::Reply(sign_on(request).unwrap_or_else(ok))
    });
    let client = script.cloud();
    let tokens = || script.log().iter().filter(|line| *line == "token").count();
    client.query("SELECT 1", &options()).await.expect("succeeds");
    tokio::time::advance(900 * SECOND).await;
    client.query("SELECT 2", &options()).await.expect("succeeds");
    assert_eq!(tokens(), 1);
    tokio::time::advance(50 * SECOND).await;
    client.query("SELECT 3", &options()).await.expect("succeeds");
    assert_eq!(tokens(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_sign_on_fails_without_effect_and_says_where() {
    let table: [(&str, Answer, ErrorKind, &str); 5] = [
        ("token", Answer::Reply(reply(403, "bad s3cret")), ErrorKind::Unauthorized, "oauth/token"),
        ("token", Answer::Silence, ErrorKind::TimedOut, "oauth/token"),
        ("engineUrl", Answer::Reply(reply(404, "")), ErrorKind::Refused, "engineUrl"),
        (
            "engineUrl",
            Answer::Fail(TransportError::maybe_sent("reset")),
            ErrorKind::ConnectionLost,
            "engineUrl",
        ),
        ("ENGINE", Answer::Reply(reply(503, "stopped")), ErrorKind::Server, "USE ENGINE"),
    ];
    for (step, answer, kind, place) in table {
        let mut answer = Some(answer);
        let script = Script::new(move |request| {
            let here = request.uri().path().ends_with(step) || sql(request).contains(step);
            match (here, sign_on(request)) {
                (true, _) => answer.take().expect("the failing step is asked once"),
                (false, Some(response)) => Answer::Reply(response),
                (false, None) => panic!("the statement was sent without a session"),
            }
        });
        let error = script.cloud().query("MERGE x", &options()).await.expect_err(step);
        assert_eq!(facts(&error), (kind, Effect::None), "{error}");
        assert_eq!(error.context(), "MERGE x");
        assert!(error.message().contains(place), "{error}");
        assert!(!error.message().contains("s3cret"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_happened_on_the_way_decides_the_effect() {
    let table = [
        (TransportError::not_sent("refused"), ErrorKind::Connect, Effect::None),
        (TransportError::maybe_sent("reset"), ErrorKind::ConnectionLost, Effect::InDoubt),
    ];
    for (failure, kind, effect) in table {
        let script = Script::queue([Answer::Fail(failure)]);
        let error = script.core().query("MERGE x", &options()).await.expect_err("fails");
        assert_eq!(facts(&error), (kind, effect));
        assert!(std::error::Error::source(&error).is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn patience_bounds_the_whole_call() {
    let script = Script::queue([Answer::Silence]);
    let started = Instant::now();
    let patience = StatementOptions::new(7 * SECOND);
    let error = script.core().query("MERGE x", &patience).await.expect_err("nobody answers");
    assert_eq!(facts(&error), (ErrorKind::TimedOut, Effect::InDoubt));
    assert_eq!(started.elapsed(), 7 * SECOND);

    // The sign-on of another statement hangs: waiting for it counts, and nothing of ours was sent.
    let script = Script::new(|_| Answer::Silence);
    let client = script.cloud();
    let started = Instant::now();
    let error = client.query("MERGE x", &patience).await.expect_err("nobody answers");
    assert_eq!(facts(&error), (ErrorKind::TimedOut, Effect::None));
    assert_eq!(started.elapsed(), 7 * SECOND);

    let nothing = StatementOptions::new(Duration::ZERO);
    let error = Script::queue([]).core().query("MERGE x", &nothing).await.expect_err("too late");
    assert_eq!(facts(&error), (ErrorKind::TimedOut, Effect::None));

    let for_ever = StatementOptions::new(Duration::MAX);
    let script = Script::queue([Answer::After(86_400 * SECOND, ok())]);
    script.core().query("MERGE x", &for_ever).await.expect("a long patience is no overflow");
}

#[tokio::test(start_paused = true)]
async fn a_begin_without_an_id_is_the_last_request() {
    let script = Script::queue([Answer::Reply(ok())]);
    let error = script.core().begin(&options()).await.expect_err("no id");
    assert_eq!(facts(&error), (ErrorKind::NoTransaction, Effect::None));
    assert_eq!(script.log(), ["BEGIN"]);
}

#[tokio::test(start_paused = true)]
async fn every_outcome_of_a_commit_has_its_name() {
    let conflict = "Failed to commit transaction, error: 'detected 1 conflicts with 1 transactions \
                    on transaction commit', code: 9";
    let table = [
        ("committed", Answer::Reply(ok_with("firebolt-remove-parameters", "transaction_id"))),
        ("committed", Answer::Reply(ok())),
        ("committed", Answer::Reply(reply(200, ""))),
        ("aborted", Answer::Reply(reply(409, conflict))),
        ("aborted", Answer::Reply(reply(500, conflict))),
        ("not sent", Answer::Reply(reply(429, "slow down"))),
        ("not sent", Answer::Reply(reply(401, "no"))),
        ("not sent", Answer::Fail(TransportError::not_sent("refused"))),
        ("in doubt", Answer::Fail(TransportError::maybe_sent("reset"))),
        ("in doubt", Answer::Silence),
        ("in doubt", Answer::Reply(reply(500, "boom"))),
        ("in doubt", Answer::Reply(reply(503, "away"))),
        ("in doubt", Answer::Reply(reply(400, "no transaction is in progress"))),
        ("in doubt", Answer::Reply(reply(403, "forbidden"))),
        ("in doubt", Answer::Reply(reply(409, "cannot be retried"))),
        ("in doubt", Answer::Reply(reply(200, "{\"meta\":["))),
        ("in doubt", Answer::Reply(reply(200, "{\"meta\":[],\"data\":[[1]]}"))),
        ("in doubt", Answer::Reply(reply(200, "{\"errors\":[{\"description\":\"x\"}]}"))),
    ];
    for (row, (expected, answer)) in table.into_iter().enumerate() {
        let begun = ok_with("firebolt-update-parameters", "transaction_id=tx");
        let script = Script::queue([Answer::Reply(begun), answer]);
        let transaction = script.core().begin(&options()).await.expect("begins");
        let outcome = match transaction.commit(&options()).await {
            Commit::Committed => "committed",
            Commit::Aborted(error) => {
                assert_eq!(error.effect(), Effect::None);
                "aborted"
            }
            Commit::NotSent(again, error) => {
                assert_eq!((error.effect(), again.id()), (Effect::None, "tx"));
                "not sent"
            }
            Commit::InDoubt(error) => {
                assert_ne!(error.effect(), Effect::None);
                "in doubt"
            }
        };
        assert_eq!(outcome, expected, "row {row}");
        assert_eq!(script.log(), ["BEGIN", "COMMIT [tx]"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_was_not_sent_is_committed_again() {
    let script = Script::queue([
        Answer::Reply(ok_with("firebolt-update-parameters", "transaction_id=tx")),
        Answer::Fail(TransportError::not_sent("refused")),
        Answer::Reply(ok()),
    ]);
    let transaction = script.core().begin(&options()).await.expect("begins");
    let Commit::NotSent(again, _) = transaction.commit(&options()).await else {
        panic!("a refused connection is not a sent COMMIT");
    };
    assert!(matches!(again.commit(&options()).await, Commit::Committed));
    assert_eq!(script.log(), ["BEGIN", "COMMIT [tx]", "COMMIT [tx]"]);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_a_transaction_that_the_server_ended() {
    let endings = [
        ok_with("firebolt-remove-parameters", "a, transaction_id"),
        ok_with("firebolt-reset-session", "true"),
        ok_with("firebolt-update-parameters", "transaction_id=another"),
        {
            let mut aborted = reply(409, "conflict");
            let value = http::HeaderValue::from_static("transaction_id");
            aborted.headers_mut().append("firebolt-remove-parameters", value);
            aborted
        },
    ];
    for ending in endings {
        let script = Script::queue([
            Answer::Reply(ok_with("firebolt-update-parameters", "transaction_id=tx")),
            Answer::Reply(ending),
        ]);
        let mut transaction = script.core().begin(&options()).await.expect("begins");
        let _ = transaction.execute("UPDATE x", &options()).await;
        let error = transaction.execute("MERGE x", &options()).await.expect_err("it has ended");
        assert_eq!(facts(&error), (ErrorKind::NoTransaction, Effect::None));
        assert!(matches!(transaction.commit(&options()).await, Commit::Aborted(_)));
        assert_eq!(script.log(), ["BEGIN", "UPDATE x [tx]"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_session_signs_on_again_with_the_same_token() {
    let script = cloud(|sql| match sql {
        "SLOW" => Answer::After(
            10 * SECOND,
            ok_with("firebolt-update-parameters", "database=from_the_former_session"),
        ),
        _ => Answer::Reply(ok()),
    });
    let client = script.cloud();
    let slow = options();
    let forgets = async {
        tokio::time::sleep(SECOND).await;
        client.forget_session();
        client.query("SELECT 1", &options()).await.expect("signs on again");
    };
    let (slow, ()) = tokio::join!(client.query("SLOW", &slow), forgets);
    slow.expect("the slow one is answered in the end");
    let log = script.log();
    assert_eq!(log.iter().filter(|line| *line == "token").count(), 1, "{log:?}");
    assert_eq!(log.iter().filter(|line| *line == "engineUrl").count(), 2, "{log:?}");

    // The late reply to the former session must not have moved the new one.
    client.query("SELECT 2", &options()).await.expect("the new session still works");
    let request = script.last().expect("a request was sent");
    assert_eq!(parameter(&request, "database").as_deref(), Some("d"));
}

#[tokio::test(start_paused = true)]
async fn a_transaction_and_other_statements_do_not_mix() {
    let script = Script::new(|request| match sql(request).as_str() {
        "BEGIN" => Answer::Reply(ok_with("firebolt-update-parameters", "transaction_id=tx")),
        _ => Answer::Reply(ok()),
    });
    let client = script.core();
    let mut transaction = client.begin(&options()).await.expect("begins");
    client.query("SELECT 1", &options()).await.expect("autocommit");
    transaction.execute("SELECT 2", &options()).await.expect("in the transaction");
    client.forget_session();
    transaction.execute("SELECT 3", &options()).await.expect("still in the transaction");
    assert!(matches!(transaction.commit(&options()).await, Commit::Committed));
    let expected = ["BEGIN", "SELECT 1", "SELECT 2 [tx]", "SELECT 3 [tx]", "COMMIT [tx]"];
    assert_eq!(script.log(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_session_keeps_what_the_server_sets() {
    let script = Script::queue([
        Answer::Reply(ok_with("firebolt-update-parameters", "database=db2")),
        Answer::Reply(reply(400, "no")),
        Answer::Reply(ok()),
    ]);
    let client = script.core();
    client.query("USE DATABASE \"db2\"", &options()).await.expect("set");
    client.query("SELECT 1", &options()).await.expect_err("refused");
    let labelled = options().label("round-1").setting("enable_result_cache", "false");
    client.query("SELECT 2", &labelled).await.expect("answered");
    let request = script.last().expect("a request was sent");
    assert_eq!(parameter(&request, "database").as_deref(), Some("db2"));
    assert_eq!(parameter(&request, "query_label").as_deref(), Some("round-1"));
    assert_eq!(parameter(&request, "enable_result_cache").as_deref(), Some("false"));
}
