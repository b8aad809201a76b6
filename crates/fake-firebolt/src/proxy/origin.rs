//! Where a server is: scheme, host and port.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// `http://host:port` or `https://host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    tls: bool,
    host: String,
    port: u16,
}

impl Origin {
    /// Whether it speaks TLS.
    #[must_use]
    pub fn is_tls(&self) -> bool {
        self.tls
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// What goes into the Host header: the port only where it is not the scheme's own.
    pub(super) fn authority(&self) -> String {
        let own = if self.tls { 443 } else { 80 };
        if self.port == own { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }

    /// The same with another name of the host.
    pub(super) fn with_host(&self, host: String) -> Self {
        Self { host, ..self.clone() }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(f, "{scheme}://{}", self.authority())
    }
}

impl FromStr for Origin {
    type Err = String;

    /// Reads a URL; without a scheme it is https, as Firebolt itself leaves it out
    /// (firebolt-wire §3.1). Path and parameters are not part of it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no URL; write such as https://api.app.firebolt.io");
        let whole = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
        let uri: Uri = whole.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(wrong)?.to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Ok(Self { tls, host, port })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_with_and_without_a_scheme_are_read() {
        for (text, expected) in [
            ("https://api.app.firebolt.io", "https://api.app.firebolt.io"),
            ("http://127.0.0.1:3473/", "http://127.0.0.1:3473"),
            (
                "abc.api.us-east-1.app.firebolt.io?account_id=1",
                "https://abc.api.us-east-1.app.firebolt.io",
            ),
            ("http://[::1]:80/x", "http://[::1]"),
        ] {
            assert_eq!(text.parse::<Origin>().map(|it| it.to_string()), Ok(expected.to_owned()));
        }
        for text in ["", "ftp://x", "http://", "a b"] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
