//! How files reach the workers: the platform's event queue with its promises and its lack of them.
//!
//! At least once, in no order, at any time. A failed invocation is tried again with the same request
//! id, after about one and two minutes; then it goes to the dead-letter queue, from which only the
//! audit brings it back. All choices come from one stream, drawn before the first file is written.

use std::sync::Arc;
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStoreExt, PutPayload};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::history::{Ended, What};
use crate::nemesis::Nemesis;
use crate::plan::{DeliveryPlan, EventShape, Plan};
use crate::ratio::Ratio;
use crate::seed::Stream;
use crate::workload::{WorkFile, Workload};
use crate::world::recorder::Recorder;
use crate::world::warehouse::names;
use crate::world::worker::{Invocation, Workers};

/// When each file is written, and when its events come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    /// By file.
    files: Vec<Arrival>,
    /// Files out of order or late.
    disordered: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Arrival {
    put: Duration,
    /// Delay of each event after the put; the first is the regular one.
    events: Vec<Duration>,
}

impl Timetable {
    /// Draws the timetable of a run.
    pub fn draw(plan: &DeliveryPlan, files: usize, stream: &mut Stream) -> Timetable {
        let mut at = Duration::ZERO;
        let mut puts: Vec<Duration> = (0..files)
            .map(|_| {
                at += stream.span(Duration::ZERO, plan.spacing.0 * 2);
                at
            })
            .collect();
        let mut disordered = 0;
        for file in 1..files {
            if stream.chance(plan.reorder) {
                puts.swap(file - 1, file);
                disordered += 1;
            }
        }
        for put in &mut puts {
            let Some(late) = plan.late else { break };
            let by = stream.span(late.by.min.0, late.by.max.0);
            if stream.chance(late.chance) {
                *put += by;
                disordered += 1;
            }
        }
        let files = puts.into_iter().map(|put| Arrival { put, events: events(plan, stream) });
        Timetable { files: files.collect(), disordered }
    }

    /// When the last file is written.
    pub fn last_put(&self) -> Duration {
        self.files.iter().map(|file| file.put).max().unwrap_or_default()
    }
}

/// S3 needs a moment to notify; a second notification comes at the same moment or much later.
fn events(plan: &DeliveryPlan, stream: &mut Stream) -> Vec<Duration> {
    let first = stream.span(Duration::from_millis(10), Duration::from_millis(900));
    let again = stream.span(Duration::ZERO, Duration::from_secs(240));
    let at_once = stream.chance(Ratio { numerator: 1, denominator: 2 });
    if stream.chance(plan.duplicate) {
        return vec![first, if at_once { first } else { first + again }];
    }
    vec![first]
}

/// The queue between bucket and workers; a cheap handle.
#[derive(Clone, Debug)]
pub struct Delivery {
    plan: Arc<Plan>,
    workload: Arc<Workload>,
    objects: Arc<InMemory>,
    workers: Workers,
    nemesis: Nemesis,
    recorder: Recorder,
    numbers: Arc<std::sync::atomic::AtomicU64>,
}

impl Delivery {
    /// The delivery of a run.
    pub fn new(
        plan: Arc<Plan>,
        workload: Arc<Workload>,
        objects: Arc<InMemory>,
        workers: Workers,
        nemesis: Nemesis,
        recorder: Recorder,
    ) -> Delivery {
        let numbers = Arc::default();
        Delivery { plan, workload, objects, workers, nemesis, recorder, numbers }
    }

    /// Writes every file and serves every event; returns when the queue is empty. An error is a bug
    /// of the simulator.
    pub async fn run(self, timetable: Timetable) -> Result<(), String> {
        for _ in 0..timetable.disordered {
            self.nemesis.count("F26");
        }
        let files: Vec<_> = timetable
            .files
            .into_iter()
            .enumerate()
            .map(|(file, arrival)| tokio::spawn(self.clone().arrive(file, arrival)))
            .collect();
        for file in files {
            file.await.map_err(|error| error.to_string())??;
        }
        Ok(())
    }

    async fn arrive(self, file: usize, arrival: Arrival) -> Result<(), String> {
        tokio::time::sleep(arrival.put).await;
        let WorkFile { object_key, bytes, .. } = &self.workload.files[file];
        let path = Path::from(object_key.as_str());
        let put = self.objects.put(&path, PutPayload::from_bytes(bytes.clone())).await;
        let etag = put.map_err(|error| error.to_string())?.e_tag.unwrap_or_default();
        let object_key = object_key.clone();
        self.recorder.push("dms", What::Put { object_key, file });
        let events: Vec<_> = arrival
            .events
            .into_iter()
            .enumerate()
            .map(|(copy, delay)| {
                tokio::spawn(self.clone().deliver(file, copy, delay, etag.clone()))
            })
            .collect();
        for event in events {
            event.await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// One event until it is acknowledged or given up.
    async fn deliver(self, file: usize, copy: usize, delay: Duration, etag: String) {
        tokio::time::sleep(delay).await;
        if copy > 0 {
            self.nemesis.count("F23");
        }
        let plan = &self.plan.delivery;
        let work = &self.workload.files[file];
        let mut stream = self.plan.seed.stream(&format!("request/{file}/{copy}"));
        let request_id = request_id(&mut stream);
        let mut wait = plan.retry_after.0;
        for delivery in 1..=plan.tries.max(1) {
            if delivery > 1 {
                // The platform waits about as long as it says.
                let slack = stream.span(Duration::ZERO, wait / 10);
                tokio::time::sleep(wait + slack).await;
                wait *= 2;
            }
            let number = self.next_number();
            self.recorder.push("delivery", What::Delivered { file, invocation: number, delivery });
            let invocation = Invocation {
                number,
                request_id: request_id.clone(),
                delivery,
                files: vec![file],
                object_keys: vec![work.object_key.clone()],
                event: event(plan.event, work, &etag),
                // The worker that takes it knows when its time is up.
                deadline: Instant::now(),
            };
            let end = self.workers.invoke(invocation, stem(&work.object_key)).await;
            if let Ended::Succeeded { .. } = end {
                self.recorder.push("delivery", What::Acknowledged { file });
                return;
            }
        }
        self.recorder.push("delivery", What::GivenUp { file });
    }

    fn next_number(&self) -> u64 {
        self.numbers.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1
    }
}

/// The name of a file in addresses: the last part of its key without the extension.
pub fn stem(object_key: &str) -> &str {
    let name = object_key.rsplit('/').next().unwrap_or(object_key);
    name.strip_suffix(".parquet").unwrap_or(name)
}

fn request_id(stream: &mut Stream) -> String {
    let (high, low) = (stream.next_u64(), stream.next_u64());
    format!(
        "{:08x}-{:04x}-4{:03x}-9{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// The notification as the platform hands it to the handler. Keys are form-urlencoded by S3 and
/// plain in EventBridge.
fn event(shape: EventShape, file: &WorkFile, etag: &str) -> Value {
    let size = file.bytes.len();
    match shape {
        EventShape::S3 => {
            let key: String = form_urlencoded::byte_serialize(file.object_key.as_bytes()).collect();
            json!({"Records": [{
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "eventName": "ObjectCreated:Put",
                "s3": {
                    "bucket": {"name": names::BUCKET},
                    "object": {"key": key, "size": size, "eTag": etag},
                },
            }]})
        }
        EventShape::EventBridge => json!({
            "source": "aws.s3",
            "detail-type": "Object Created",
            "detail": {
                "bucket": {"name": names::BUCKET},
                "object": {"key": file.object_key, "size": size, "etag": etag},
            },
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Late;
    use crate::seed::Seed;
    use crate::timespan::{Between, Span};
    use proptest::prelude::*;

    fn plan() -> DeliveryPlan {
        let seconds = |count| Span(Duration::from_secs(count));
        DeliveryPlan {
            workers: 2,
            spacing: seconds(2),
            duplicate: Ratio { numerator: 1, denominator: 2 },
            reorder: Ratio { numerator: 1, denominator: 2 },
            late: Some(Late {
                chance: Ratio { numerator: 1, denominator: 3 },
                by: Between { min: seconds(60), max: seconds(600) },
            }),
            deadline: seconds(300),
            tries: 3,
            retry_after: seconds(60),
            event: EventShape::S3,
            clock_skew: Span::default(),
            object_cut: Ratio::ZERO,
            sweep_every: None,
        }
    }

    #[test]
    fn a_stem_is_the_file_name_without_its_extension() {
        assert_eq!(stem("firebolt_dms_job/db/users/2025/11/11/20251111-1.parquet"), "20251111-1");
        assert_eq!(stem("LOAD00000001.parquet"), "LOAD00000001");
    }

    proptest! {
        #[test]
        fn every_file_is_written_once_and_announced_at_least_once(seed: u64, files in 1usize..20) {
            let draw = || Timetable::draw(&plan(), files, &mut Seed(seed).stream("delivery"));
            let table = draw();
            prop_assert_eq!(table.files.len(), files);
            prop_assert!(table.files.iter().all(|file| (1..=2).contains(&file.events.len())));
            prop_assert!(table.last_put() < Duration::from_secs(4 * 20 + 600));
            prop_assert_eq!(table, draw());
        }
    }
}
