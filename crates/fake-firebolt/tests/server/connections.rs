//! Ten thousand connections come and go, most of them badly, and nothing of them is left.

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use fake_firebolt::FakeFirebolt;

use crate::harness::{Client, Script, fake};

/// How a client behaves before it is gone.
#[derive(Clone, Copy, Debug)]
enum Manner {
    SaysNothing,
    LeavesInTheHead,
    LeavesInTheBody,
    LeavesBeforeTheReply,
    LeavesInTheReply,
    IsNoHttp,
    ReadsTheReply,
}

const MANNERS: [Manner; 7] = [
    Manner::SaysNothing,
    Manner::LeavesInTheHead,
    Manner::LeavesInTheBody,
    Manner::LeavesBeforeTheReply,
    Manner::LeavesInTheReply,
    Manner::IsNoHttp,
    Manner::ReadsTheReply,
];

fn request(token: &str, close: bool) -> String {
    let close = if close { "connection: close\r\n" } else { "" };
    format!(
        "POST /?database=database HTTP/1.1\r\nhost: f\r\nauthorization: Bearer {token}\r\n{close}\
         content-length: 25\r\n\r\nSELECT COUNT(*) FROM seen"
    )
}

async fn behave(manner: Manner, mut near: DuplexStream, token: &str) {
    let whole = request(token, false);
    let part = match manner {
        Manner::SaysNothing => "",
        Manner::LeavesInTheHead => &whole[..40],
        Manner::LeavesInTheBody => &whole[..whole.len() - 5],
        Manner::LeavesBeforeTheReply | Manner::LeavesInTheReply => &whole,
        Manner::IsNoHttp => "\u{16}\u{3}\u{1}\u{2}\0",
        Manner::ReadsTheReply => &request(token, true),
    };
    near.write_all(part.as_bytes()).await.expect("a write");
    match manner {
        Manner::LeavesInTheReply => {
            let mut first = [0; 10];
            near.read_exact(&mut first).await.expect("the beginning of a reply");
        }
        Manner::ReadsTheReply => {
            let mut reply = Vec::new();
            near.read_to_end(&mut reply).await.expect("a reply");
            assert!(reply.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&reply));
        }
        _ => {}
    }
}

async fn connections(fake: &FakeFirebolt, token: &str, count: usize) {
    for manner in MANNERS.into_iter().cycle().take(count) {
        let (near, far) = tokio::io::duplex(1024);
        tokio::spawn(fake.serve_connection(far, "passer-by"));
        behave(manner, near, token).await;
    }
    // Whatever was begun ends by itself.
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_connections_leave_nothing_behind() {
    let fake = fake(&Script::new());
    fake.setup("CREATE TABLE seen (id INTEGER); INSERT INTO seen VALUES (1)").expect("setup");
    let mut client = Client::sign_on(&fake, "owner").await;
    let token = client.token.clone();
    // The first few show what a server that is at rest has.
    connections(&fake, &token, MANNERS.len()).await;
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let (before, commits) = (tasks(), fake.commits().len());
    connections(&fake, &token, 10_000).await;
    assert_eq!(tasks(), before, "tasks of connections that are gone");
    assert_eq!(fake.commits().len(), commits);
    assert_eq!(fake.open_transactions(), 0);
    assert_eq!(fake.panics(), 0);
    let running = "SELECT COUNT(*) FROM information_schema.engine_running_queries";
    let data = client.sql(running).await.data();
    assert_eq!(data.to_string().matches('1').count(), 1, "only the one that asks runs: {data}");
}
