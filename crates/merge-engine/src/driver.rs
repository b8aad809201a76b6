//! The loop: perform the command, feed the reply back.

use crate::engine::MergeEngine;
use crate::normalise::Normaliser;
use crate::warehouse::Warehouse;
use merge_protocol::failure::Failure;
use merge_protocol::machine::{Command, Inputs, Merge, Reply};
use merge_protocol::object::FileId;
use merge_protocol::outcome::FileOutcome;
use merge_protocol::plan::Task;
use std::collections::BTreeMap;
use std::sync::Arc;

impl MergeEngine {
    /// Drives one task to its end. Dropping this future anywhere is safe: whatever is left behind is
    /// a staging table for the sweeper and a transaction that nobody commits.
    pub(crate) async fn drive(&self, task: Task) -> BTreeMap<FileId, FileOutcome> {
        let task = Arc::new(task);
        let mut warehouse = Warehouse::new(&self.parts.client, &self.catalog);
        let (mut merge, mut command) = Merge::start(Arc::clone(&task));
        while command != Command::Finish {
            let reply = self.perform(&mut warehouse, &merge, &command).await;
            let step = match merge.step(reply, self.inputs()) {
                Ok(step) => step,
                // The driver pairs every command with its reply; anything else is a bug of ours.
                Err(illegal) => unreachable!("{illegal}"),
            };
            for note in &step.notes {
                self.parts.observer.note(&task.target, note);
            }
            merge = step.merge;
            command = step.command;
        }
        merge.outcomes()
    }

    async fn perform(
        &self,
        warehouse: &mut Warehouse<'_>,
        merge: &Merge,
        command: &Command,
    ) -> Reply {
        let remaining = merge.task().deadline.remaining(self.now());
        match command {
            Command::Pause(wait) => {
                tokio::time::sleep(*wait).await;
                Reply::Waited
            }
            Command::Normalise => {
                let normaliser = Normaliser {
                    store: self.parts.store.as_ref(),
                    location_prefix: &self.parts.config.location_prefix,
                    normalised_prefix: &self.parts.config.normalised_prefix,
                };
                let patience = merge.task().policy.patience_stage.min(remaining);
                match tokio::time::timeout(patience, normaliser.normalise(merge)).await {
                    Ok(Ok(normalised)) => Reply::Normalised(normalised),
                    Ok(Err(failure)) => Reply::Failed(failure),
                    Err(_) => Reply::Failed(Failure::store("the object store took too long")),
                }
            }
            _ => warehouse.perform(merge, command, remaining).await,
        }
    }

    fn inputs(&self) -> Inputs {
        let entropy = &self.parts.entropy;
        let (high, low) = (entropy.next_u64(), entropy.next_u64());
        Inputs {
            now: self.now(),
            jitter: entropy.next_u64(),
            entropy: (u128::from(high) << 64) | u128::from(low),
        }
    }
}
