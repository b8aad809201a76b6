//! The same seed and the same requests: the same bytes, to the last id.

use std::time::Duration;

use fake_firebolt::FakeConfig;

use crate::harness::{Client, Heard, Script, fake_with, upsert};

/// Three workers that get into each other's way, and all that they hear.
async fn transcript(seed: u64) -> Vec<(u64, &'static str, Heard)> {
    let script = Script::new();
    script.takes("MERGE", Duration::from_secs(20));
    script.takes("COMMIT", Duration::from_millis(30));
    let fake = fake_with(&script, FakeConfig { seed, ..FakeConfig::default() });
    let mut workers = Vec::new();
    for (worker, pause) in [("worker-1", 0), ("worker-2", 7), ("worker-3", 13)] {
        let fake = fake.clone();
        workers.push(tokio::spawn(async move {
            tokio::time::sleep(Duration::from_secs(pause)).await;
            let mut client = Client::sign_on(&fake, worker).await;
            let mut heard = Vec::new();
            for sql in ["BEGIN", &upsert(1, worker), &upsert(9, worker), "COMMIT", "ROLLBACK"] {
                let reply = client.sql(sql).await;
                heard.push((fake.now_micros().unsigned_abs(), worker, reply));
            }
            heard
        }));
    }
    tokio::time::sleep(Duration::from_secs(90)).await;
    let mut all = Vec::new();
    for worker in workers {
        all.extend(worker.await.expect("no panic"));
    }
    all
}

#[tokio::test(start_paused = true)]
async fn one_seed_one_transcript() {
    let first = transcript(1).await;
    assert_eq!(first.len(), 15);
    assert_ne!(first, transcript(2).await, "ids come from the seed");
}

#[test]
fn two_runtimes_hear_the_same_bytes() {
    let run = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(transcript(1))
    };
    assert_eq!(run(), run());
}

/// What a server of that seed answers, statement by statement.
async fn answers(seed: u64, statements: &[&str]) -> Vec<Heard> {
    let fake = fake_with(&Script::new(), FakeConfig { seed, ..FakeConfig::default() });
    let mut client = Client::sign_on(&fake, "worker-1").await;
    let mut heard = Vec::new();
    for sql in statements {
        heard.push(client.sql(sql).await);
    }
    heard
}

#[tokio::test(start_paused = true)]
async fn what_random_draws_comes_from_the_seed_and_moves_nothing_else() {
    let draws = ["SELECT RANDOM(), GEN_RANDOM_UUID_TEXT()"; 2];
    let first = answers(1, &draws).await;
    assert_eq!(first, answers(1, &draws).await);
    assert_ne!(first[0].data(), first[1].data(), "each statement draws anew");
    assert_ne!(first[0].data(), answers(2, &draws).await[0].data());
    let after = |sql| ["SELECT 1", sql, "BEGIN", "SELECT 2", "COMMIT"];
    let with = answers(1, &after("SELECT RANDOM() > 2")).await;
    let without = answers(1, &after("SELECT CURRENT_DATE IS NULL")).await;
    assert_eq!(with[2..], without[2..], "ids and LSNs are drawn elsewhere");
}
