use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;

use crate::Filter;
use crate::fake::{Fake, scope};

/// A node that replays its log lists less than there is, and says that it leads.
#[tokio::test(start_paused = true)]
async fn a_list_is_complete() {
    let fake = Fake::start().await;
    fake.put(json!({"name": "early"}));
    fake.meddle("GET /v1/jobs?_end=1", |jobs| drop(jobs.insert("late".into(), json!({"name": "late"}))));
    let client = fake.client();
    let names = async || {
        let jobs = client.list(&scope(), &Filter::default()).await.unwrap();
        jobs.into_iter().map(|job| job.name).collect::<Vec<_>>()
    };
    assert_eq!(names().await, ["early", "late"]);
    assert_eq!(fake.count("POST"), 0, "reading does not write");
    // The proof is shared with what comes after it.
    let proven = Instant::now();
    assert_eq!(names().await.len(), 2);
    assert!(proven.elapsed() < Duration::from_secs(1));
}
