//! Several statements in one request.

use fake_firebolt::{CannedReply, Phase, Verdict};

use crate::harness::{Client, Script, fake, rows};

/// The documents of a body, one behind the other.
fn documents(body: &str) -> Vec<serde_json::Value> {
    let documents = serde_json::Deserializer::from_str(body).into_iter();
    documents.map(|document| document.expect("JSON")).collect()
}

#[tokio::test(start_paused = true)]
async fn each_is_answered_in_order() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.sql("SELECT 1; SELECT 'a;b' -- c;d\n;; /* ; */ SELECT 2;").await;
    assert_eq!(heard.status(), 200, "{heard:?}");
    let data: Vec<_> = documents(heard.body()).iter().map(|one| one["data"].clone()).collect();
    assert_eq!(serde_json::json!(data), serde_json::json!([[[1]], [["a;b"]], [[2]]]));
    let lines =
        client.post("/?output_format=JSONLines_Compact", "SELECT 1 AS a; SELECT 2 AS b").await;
    assert_eq!(lines.body().matches("FINISH_SUCCESSFULLY").count(), 2);
}

#[tokio::test(start_paused = true)]
async fn inserts_of_values_are_one_transaction() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let before = fake.commits().len();
    let both = "INSERT INTO t VALUES (3, 'c'); INSERT INTO t VALUES (4, 'd')";
    assert_eq!(documents(client.sql(both).await.body()).len(), 1);
    assert_eq!(rows(&fake), "1=a 2=b 3=c 4=d");
    assert_eq!(fake.commits().len(), before + 1);
    let half = "INSERT INTO t VALUES (5, 'e'); INSERT INTO t VALUES ('x', 'f')";
    assert_eq!(client.sql(half).await.status(), 400);
    assert_eq!(rows(&fake), "1=a 2=b 3=c 4=d", "all of it or nothing");
}

#[tokio::test(start_paused = true)]
async fn others_commit_one_by_one_until_one_fails() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let sql = "UPDATE t SET v = 'x' WHERE id = 1; DELETE FROM nowhere; DELETE FROM t";
    let heard = client.sql(sql).await;
    assert!(heard.error().contains("nowhere"), "{heard:?}");
    assert_eq!(rows(&fake), "1=x 2=b");
    let sql = "DELETE FROM t; SELEKT";
    assert_eq!(client.sql(sql).await.status(), 400);
    assert_eq!(rows(&fake), "1=x 2=b", "nothing is done of what cannot be read");
}

#[tokio::test(start_paused = true)]
async fn inside_of_a_transaction_they_are_part_of_it() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    client.sql("BEGIN").await;
    let sql = "INSERT INTO t VALUES (3, 'c'); DELETE FROM t WHERE id = 1";
    assert_eq!(client.sql(sql).await.status(), 200);
    assert_eq!(rows(&fake), "1=a 2=b");
    client.sql("COMMIT").await;
    assert_eq!(rows(&fake), "2=b 3=c");
}

#[tokio::test(start_paused = true)]
async fn what_changes_the_session_stands_alone() {
    let fake = fake(&Script::new());
    let mut client = Client::sign_on(&fake, "worker-1").await;
    for word in ["BEGIN", "COMMIT", "ROLLBACK", "USE DATABASE \"database\"", "SET a = 1"] {
        let heard = client.sql(&format!("DELETE FROM t; {word}")).await;
        let first = word.split(' ').next().unwrap_or_default();
        let expected = format!("{first} has to be the only statement of its request");
        assert_eq!(heard.error(), expected);
    }
    assert_eq!(rows(&fake), "1=a 2=b");
}

#[tokio::test(start_paused = true)]
async fn a_fault_strikes_the_one_that_it_is_meant_for() {
    let script = Script::new();
    script.at(Phase::Executing, "DELETE", Verdict::FailStatement(CannedReply::text(500, "no")));
    let fake = fake(&script);
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let heard = client.sql("UPDATE t SET v = 'x' WHERE id = 1; DELETE FROM t; SELECT 1").await;
    assert_eq!((heard.status(), heard.body()), (500, "no"));
    assert_eq!(rows(&fake), "1=x 2=b");
    assert!(script.points("SELECT 1").is_empty());
}
