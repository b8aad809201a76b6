//! LOCATION objects: names for a bucket with a prefix (vendor's pages on CREATE, ALTER and DROP
//! LOCATION).
//!
//! They belong to the account, so no transaction and no database holds them. Credentials are not
//! kept: this server checks none, and what is not kept cannot be shown.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::ObjectStore;

use crate::server::Location;
use crate::sql::{LocationChange, LocationStatement, SqlError, SqlErrorKind};
use crate::value::{Row, Value};

/// What `information_schema.locations` says of a LOCATION on S3 (vendor's page on CREATE LOCATION).
const SOURCE: &str = "CLOUD_STORAGE (S3)";

/// One LOCATION.
#[derive(Debug, Clone)]
struct Object {
    url: String,
    description: Option<String>,
    created_micros: i64,
    /// The names of the credentials it was made with.
    credentials: Vec<String>,
    /// The store and prefix that the server's owner gave it, until a statement changes its URL.
    given: Option<Location>,
}

/// A bucket and what to look for in it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) store: Arc<dyn ObjectStore>,
    /// The LOCATION's prefix or the URL's path, without slashes around it.
    pub(super) prefix: String,
    /// Whether the prefix is a folder for certain, because it was written with a slash behind it.
    pub(super) is_folder: bool,
}

/// The LOCATIONs by name, and the buckets that URLs lead to.
#[derive(Debug)]
pub(super) struct Locations {
    objects: BTreeMap<String, Object>,
    buckets: BTreeMap<String, Arc<dyn ObjectStore>>,
}

impl Locations {
    pub(super) fn new(
        given: &BTreeMap<String, Location>,
        buckets: &BTreeMap<String, Arc<dyn ObjectStore>>,
        created_micros: i64,
    ) -> Self {
        let object = |(name, location): (&String, &Location)| {
            let url = format!("s3://{name}/{}", location.prefix.trim_start_matches('/'));
            let given = Some(location.clone());
            let (description, credentials) = (None, Vec::new());
            (name.clone(), Object { url, description, created_micros, credentials, given })
        };
        Self { objects: given.iter().map(object).collect(), buckets: buckets.clone() }
    }

    /// Where a name or a URL leads.
    pub(super) fn place(&self, location: &str) -> Result<Place, SqlError> {
        if location.contains("://") {
            return self.place_of_url(location).map_err(|text| {
                let text = format!("Cannot read '{location}': {text}");
                SqlError::new(SqlErrorKind::NotFound, text)
            });
        }
        let object = self.objects.get(location).ok_or_else(|| missing(location))?;
        match &object.given {
            Some(given) => Ok(Place {
                store: Arc::clone(&given.store),
                prefix: given.prefix.trim_matches('/').to_owned(),
                is_folder: true,
            }),
            // A bucket that is not there and one that may not be read look alike from outside.
            None => self.place_of_url(&object.url).map_err(|_| missing(location)),
        }
    }

    fn place_of_url(&self, url: &str) -> Result<Place, String> {
        let (bucket, path) =
            split_url(url).ok_or("it is not a URL of the form s3://bucket/path")?;
        let store = self.buckets.get(bucket).ok_or_else(|| {
            format!("this server has no bucket '{bucket}' (it is given with --bucket)")
        })?;
        Ok(Place {
            store: Arc::clone(store),
            prefix: path.trim_matches('/').to_owned(),
            is_folder: path.is_empty() || path.ends_with('/'),
        })
    }

    /// Makes, changes or removes a LOCATION.
    pub(super) fn apply(
        &mut self,
        statement: &LocationStatement,
        now_micros: i64,
    ) -> Result<(), SqlError> {
        let name = &statement.name;
        let exists = self.objects.contains_key(name);
        if let LocationChange::Create { url, description, credentials, or_replace } =
            &statement.change
        {
            if exists && statement.forgiving {
                return Ok(());
            }
            if exists && !or_replace {
                return Err(exists_already(name));
            }
            let object = Object {
                url: url.clone(),
                description: description.clone(),
                created_micros: now_micros,
                credentials: credentials.clone(),
                given: None,
            };
            self.objects.insert(name.clone(), object);
            return Ok(());
        }
        let Some(mut object) = self.objects.get(name).cloned() else {
            return if statement.forgiving { Ok(()) } else { Err(missing(name)) };
        };
        match &statement.change {
            LocationChange::Create { .. } => {}
            LocationChange::Drop => {
                self.objects.remove(name);
            }
            LocationChange::Rename(new) if self.objects.contains_key(new) => {
                return Err(exists_already(new));
            }
            LocationChange::Rename(new) => {
                self.objects.remove(name);
                self.objects.insert(new.clone(), object);
            }
            LocationChange::Url(url) => {
                (object.url, object.given) = (url.clone(), None);
                self.objects.insert(name.clone(), object);
            }
            LocationChange::Credentials(credentials) => {
                object.credentials.clone_from(credentials);
                self.objects.insert(name.clone(), object);
            }
        }
        Ok(())
    }

    /// The rows of `information_schema.locations`.
    pub(super) fn rows(&self, owner: &str) -> Vec<Row> {
        let row = |(name, object): (&String, &Object)| {
            Row::from([
                Value::text(name),
                Value::text(SOURCE),
                Value::text(&object.url),
                object.description.as_deref().map_or(Value::Null, Value::text),
                Value::text(owner),
                Value::TimestampTz(object.created_micros),
                Value::text(&ddl(name, object)),
            ])
        };
        self.objects.iter().map(row).collect()
    }
}

/// Bucket and path of `scheme://bucket/path`.
fn split_url(url: &str) -> Option<(&str, &str)> {
    let (_, rest) = url.split_once("://")?;
    let (bucket, path) = rest.split_once('/').unwrap_or((rest, ""));
    (!bucket.is_empty()).then_some((bucket, path))
}

/// The service's own words (firebolt-semantics §4).
fn missing(name: &str) -> SqlError {
    let text = format!("location '{name}' does not exist or not authorized");
    SqlError::new(SqlErrorKind::NotFound, text)
}

fn exists_already(name: &str) -> SqlError {
    SqlError::new(SqlErrorKind::AlreadyExists, format!("location '{name}' already exists"))
}

fn ddl(name: &str, object: &Object) -> String {
    let quoted = |text: &str| format!("'{}'", text.replace('\'', "''"));
    let mut text = format!("CREATE LOCATION \"{name}\" WITH SOURCE = CLOUD_STORAGE");
    if !object.credentials.is_empty() {
        let masked: Vec<_> =
            object.credentials.iter().map(|name| format!("{name} = '****'")).collect();
        text.push_str(&format!(" CREDENTIALS = ( {} )", masked.join(" ")));
    }
    text.push_str(&format!(" URL = {}", quoted(&object.url)));
    if let Some(description) = &object.description {
        text.push_str(&format!(" DESCRIPTION = {}", quoted(description)));
    }
    text
}
