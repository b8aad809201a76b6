//! `timing.json`: wall time and speed, and everything else that two equal runs do not share.
//!
//! Kept apart so that `report.json` can be compared byte for byte.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::outcome::{Outcome, Part, Section};

/// A run counts for the speed when it loads at least this many files …
const LARGE_FILES: u64 = 6;
/// … through at least this many workers. Smaller ones would flatter the figure.
const LARGE_WORKERS: u64 = 2;

/// The file's content.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Timing {
    /// Seeded runs of at least 6 files through at least 2 workers, over their own wall time and
    /// times the jobs that ran side by side. Exhaustive, crash and mutant runs stand apart, and so does
    /// the ladder, a run of which is forty files.
    pub schedules_per_second: f64,
    /// The same on one core: a job keeps one core busy.
    pub schedules_per_second_and_core: f64,
    /// From start to verdict.
    pub wall_seconds: f64,
    /// Simulated by the seeded runs.
    pub virtual_seconds: f64,
    /// Threads.
    pub jobs: usize,
    /// Seeded runs that the speed was measured on.
    pub schedules_measured: u64,
    /// Wall seconds over all threads, by report section and name.
    pub seconds_by_name: BTreeMap<String, f64>,
}

/// The key of [`Timing::seconds_by_name`].
pub fn key(section: Section, name: &str) -> String {
    match section {
        Section::Scenario | Section::Mutant => name.to_owned(),
        Section::Ladder => format!("ladder/{name}"),
        Section::Exhaustive => format!("exhaustive/{name}"),
        Section::Crash => "crash/every-step".to_owned(),
        Section::Determinism => "determinism".to_owned(),
    }
}

/// Sums up. `walls` are the wall times of the parts, in the same order.
pub fn timing(parts: &[Part], walls: &[Duration], wall: Duration, jobs: usize) -> Timing {
    let mut result = Timing { jobs, wall_seconds: wall.as_secs_f64(), ..Timing::default() };
    let (mut measured, mut virtual_millis) = (Duration::ZERO, 0);
    for (part, wall) in parts.iter().zip(walls) {
        let name = key(part.label.section, &part.label.name);
        *result.seconds_by_name.entry(name).or_default() += wall.as_secs_f64();
        if let Outcome::Run(run) = &part.outcome {
            virtual_millis += run.virtual_millis;
            let large = run.size[0] >= LARGE_FILES && run.size[1] >= LARGE_WORKERS;
            if large && part.label.section == Section::Scenario {
                result.schedules_measured += 1;
                measured += *wall;
            }
        }
    }
    result.virtual_seconds = virtual_millis as f64 / 1000.0;
    if !measured.is_zero() {
        result.schedules_per_second_and_core =
            result.schedules_measured as f64 / measured.as_secs_f64();
        result.schedules_per_second = result.schedules_per_second_and_core * jobs as f64;
    }
    result
}

/// The file's text.
pub fn render(timing: &Timing) -> String {
    let mut text =
        serde_json::to_string_pretty(timing).expect("finite numbers and strings have a JSON form");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn only_large_seeded_runs_make_the_speed() {
        let raw = sample::raw();
        let walls = vec![Duration::from_millis(10); raw.parts.len()];
        let timing = timing(&raw.parts, &walls, Duration::from_secs(1), 2);
        let large = raw
            .parts
            .iter()
            .filter(|p| p.label.section == Section::Scenario)
            .filter(|p| matches!(&p.outcome, Outcome::Run(r) if r.size[0] >= 6 && r.size[1] >= 2))
            .count() as u64;
        assert!(large > 0 && large < raw.parts.len() as u64);
        assert_eq!(timing.schedules_measured, large);
        assert!((timing.schedules_per_second_and_core - 100.0).abs() < 1e-6);
        assert!((timing.schedules_per_second - 200.0).abs() < 1e-6);
    }
}
