//! What a Rust test of a program that talks to Firebolt looks like: the reply to a COMMIT is lost,
//! and the program has to find out whether it was applied.
//!
//! `cargo run -p fake-firebolt --features listen --example rust_client`

use std::error::Error;

use bytes::Bytes;
use fake_firebolt::sql::StatementKind;
use fake_firebolt::{Does, FakeFirebolt, Phase, Rule};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

fn main() -> Result<(), Box<dyn Error>> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(lost_commit())
}

async fn lost_commit() -> Result<(), Box<dyn Error>> {
    let fake = FakeFirebolt::start().setup("CREATE TABLE orders (id INTEGER)").await?;
    let rule = Rule::new("lost commit", Does::DropConnection)
        .on(StatementKind::Commit)
        .at(Phase::Committed)
        .at_most(1);
    fake.faults().add(rule)?;

    let heard = load(fake.url(), 7).await;

    // The program under test saw its connection break …
    assert!(heard.is_err(), "no reply came back");
    assert_eq!(fake.faults().fired("lost commit"), 1);
    // … and the order is there all the same: whoever loads it again now has it twice.
    let rows = fake.sql("SELECT id FROM orders")?.rows;
    assert_eq!(rows.len(), 1);
    println!("the reply was lost, and the commit was not: {} row", rows.len());
    fake.shutdown().await;
    Ok(())
}

/// The program under test: one order in one transaction.
async fn load(url: &str, order: u32) -> Result<(), Box<dyn Error>> {
    let (_, session) = send(url, "", "BEGIN").await?;
    let transaction = session.ok_or("BEGIN names no transaction")?;
    send(url, &transaction, &format!("INSERT INTO orders VALUES ({order})")).await?;
    send(url, &transaction, "COMMIT").await?;
    Ok(())
}

/// One statement; its reply, and the parameter that the server asks to repeat.
async fn send(
    url: &str,
    parameters: &str,
    sql: &str,
) -> Result<(String, Option<String>), Box<dyn Error>> {
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let stream = TcpStream::connect(host).await?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::post(format!("/?output_format=JSON_Compact&{parameters}"))
        .header("host", host)
        .body(Full::new(Bytes::from(sql.to_owned())))?;
    let response = sender.send_request(request).await?;
    let status = response.status();
    let update = response.headers().get("firebolt-update-parameters").cloned();
    let body = response.into_body().collect().await?.to_bytes();
    let text = String::from_utf8(body.to_vec())?;
    if !status.is_success() {
        return Err(format!("{status}: {text}").into());
    }
    let update = update.map(|line| line.to_str().map(str::to_owned)).transpose()?;
    Ok((text, update))
}

#[cfg(test)]
mod tests {
    #[tokio::test]
    async fn the_example_does_what_it_says() {
        super::lost_commit().await.expect("an example that works");
    }
}
