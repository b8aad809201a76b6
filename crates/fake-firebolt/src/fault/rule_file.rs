//! Rules as files and requests hold them: a list of tables called `fault`, and a `seed`.
//!
//! An unknown key is an error, as is a value that means nothing where it stands: a misspelt rule
//! that is passed over would make a test prove less than it claims.

use super::given::{self, Given, ReadError, What};
use super::rule::{Rule, Side};
use super::rule_reader;

/// A file of rules: more cannot be meant seriously.
const FILE_MAX: usize = 1 << 20;

/// What a file of rules holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleFile {
    /// From where the rules draw, if the file says so.
    pub seed: Option<u64>,
    /// The rules, in order.
    pub rules: Vec<Rule>,
}

impl RuleFile {
    /// Reads TOML.
    ///
    /// ```
    /// use fake_firebolt::fault::{RuleFile, Side};
    ///
    /// let file = RuleFile::from_toml(
    ///     r#"
    ///     [[fault]]
    ///     name   = "the reply to a commit is lost, once in twenty"
    ///     on     = "commit"
    ///     at     = "committed"
    ///     does   = "drop-connection"
    ///     chance = "1/20"
    ///     "#,
    ///     Side::Server,
    /// )?;
    /// assert_eq!(file.rules.len(), 1);
    ///
    /// let wrong = "[[fault]]\nname = 'x'\ndoes = 'explode'";
    /// let error = RuleFile::from_toml(wrong, Side::Server).unwrap_err();
    /// assert!(error.to_string().starts_with("3:8: `does`: "));
    /// # Ok::<(), fake_firebolt::fault::ReadError>(())
    /// ```
    ///
    /// # Errors
    /// The first thing that is wrong, with line, column, key, and what is allowed.
    pub fn from_toml(text: &str, side: Side) -> Result<Self, ReadError> {
        if text.len() > FILE_MAX {
            let place = given::Place::Line { line: 1, column: 1 };
            let problem = format!("a file of rules has at most {FILE_MAX} bytes");
            return Err(ReadError { place, key: None, problem });
        }
        Self::read(&given::from_toml(text)?, side)
    }

    /// Reads a JSON document: `{"seed": 7, "fault": [{…}, …]}`, a list of rules, or one rule.
    ///
    /// # Errors
    /// The first thing that is wrong, with the path to it, and what is allowed.
    pub fn from_json(document: serde_json::Value, side: Side) -> Result<Self, ReadError> {
        let given = given::from_json(document);
        match &given.what {
            What::List(list) => Ok(Self { seed: None, rules: rules(list, side)? }),
            What::Table(entries) if entries.iter().any(|(key, ..)| key == "does") => {
                Ok(Self { seed: None, rules: vec![rule_reader::rule(&given, side)?] })
            }
            _ => Self::read(&given, side),
        }
    }

    fn read(given: &Given, side: Side) -> Result<Self, ReadError> {
        let refuse = |place: &given::Place, key: Option<&str>, problem: String| {
            Err(ReadError { place: place.clone(), key: key.map(str::to_owned), problem })
        };
        let What::Table(entries) = &given.what else {
            let problem = format!("expected rules, found {}", given.what.name());
            return refuse(&given.place, None, problem);
        };
        let mut file = Self::default();
        for (key, place, value) in entries {
            match (key.as_str(), &value.what) {
                ("seed", What::Whole(seed)) => file.seed = Some(seed.cast_unsigned()),
                ("seed", other) => {
                    let problem = format!("expected a whole number, found {}", other.name());
                    return refuse(&value.place, Some("seed"), problem);
                }
                ("fault", What::List(list)) => file.rules = rules(list, side)?,
                ("fault", _) => {
                    let problem = "expected a list of rules: write [[fault]] above each";
                    return refuse(&value.place, Some("fault"), problem.to_owned());
                }
                _ => {
                    let problem = "no such key; allowed here: seed, fault".to_owned();
                    return refuse(place, Some(key), problem);
                }
            }
        }
        Ok(file)
    }
}

fn rules(list: &[Given], side: Side) -> Result<Vec<Rule>, ReadError> {
    list.iter().map(|given| rule_reader::rule(given, side)).collect()
}
