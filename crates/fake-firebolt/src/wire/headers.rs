//! The session headers, in the only shape that every client reads alike.
//!
//! Clients disagree about comma lists and repeated names in one line, so each
//! `Firebolt-Update-Parameters` line carries one pair and each `Firebolt-Remove-Parameters` line
//! one name (firebolt-wire §3.3). `Firebolt-Update-Endpoint` is not sent: the Python client drops
//! its port and forces https, which ends every session on a plain socket. What the service may
//! send instead, quirks turn on.

use std::borrow::Cow;

/// Sets one URL parameter of the client's session.
pub(crate) const UPDATE_PARAMETERS: &str = "firebolt-update-parameters";
/// Makes the client forget one URL parameter.
pub(crate) const REMOVE_PARAMETERS: &str = "firebolt-remove-parameters";

/// Makes the client go on at another address, with the parameters of its query part.
const UPDATE_ENDPOINT: &str = "firebolt-update-endpoint";

/// The parameter that ties a request to its transaction.
pub(crate) const TRANSACTION_ID: &str = "transaction_id";
/// The parameter that counts the steps of a transaction.
pub(crate) const TRANSACTION_SEQUENCE_ID: &str = "transaction_sequence_id";

/// A change of the client's session that a reply asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SessionChange {
    /// The client keeps `name=value` among its URL parameters.
    Set {
        /// The parameter.
        name: Cow<'static, str>,
        /// Its value; never holds `=` or `,`, which no two clients split alike.
        value: String,
    },
    /// The client forgets the parameter.
    Remove {
        /// The parameter.
        name: &'static str,
    },
    /// The client goes on at this address, `[scheme://]host[:port][/path][?name=value&…]`.
    Endpoint(String),
    /// Several of one kind as one line: header and value.
    Line(&'static str, String),
}

impl SessionChange {
    /// The client keeps `name=value`.
    pub(crate) fn set(name: impl Into<Cow<'static, str>>, value: impl ToString) -> Self {
        Self::Set { name: name.into(), value: value.to_string() }
    }

    /// The header line: name and value.
    pub(crate) fn line(&self) -> (&'static str, String) {
        match self {
            Self::Set { name, value } => (UPDATE_PARAMETERS, format!("{name}={value}")),
            Self::Remove { name } => (REMOVE_PARAMETERS, (*name).to_owned()),
            Self::Endpoint(address) => (UPDATE_ENDPOINT, address.clone()),
            Self::Line(header, value) => (header, value.clone()),
        }
    }

    /// Another change of the same kind behind this one, on the same line.
    pub(crate) fn joined(&self, other: &Self) -> Self {
        let ((header, value), (_, further)) = (self.line(), other.line());
        Self::Line(header, format!("{value},{further}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_one_pair() {
        let set = SessionChange::set(TRANSACTION_ID, "0a");
        assert_eq!(set.line(), (UPDATE_PARAMETERS, "transaction_id=0a".to_owned()));
        let remove = SessionChange::Remove { name: TRANSACTION_ID };
        assert_eq!(remove.line(), (REMOVE_PARAMETERS, "transaction_id".to_owned()));
    }
}
