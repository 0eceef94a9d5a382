//! What authors of hooks use: a beginning in their language, and golden cases.

mod cases;
mod templates;

use serde_json::json;

pub use self::cases::{Case, CaseError, Expectation, read};
pub use self::templates::{InvalidName, Language, is_name, project};
use crate::request::{Operation, Request, Stage, Versions};

/// A question such as krony asks: about a job that calls an address every night.
pub fn example_request() -> Request {
    Request {
        resource_type: "krony_job".to_owned(),
        operation: Operation::Create,
        stage: Stage::Plan,
        prior: None,
        planned: Some(json!({
            "name": "nightly-report",
            "displayname": null,
            "schedule": "0 30 2 * * *",
            "timezone": "Europe/Berlin",
            "owner": "reports",
            "owner_email": "reports@example.com",
            "disabled": false,
            "tags": { "server": "true:1" },
            "metadata": { "team": "reports" },
            "retries": 2,
            "parent_job": null,
            "processors": {},
            "concurrency": "forbid",
            "executor": {
                "name": "http",
                "config": {
                    "method": "POST",
                    "url": "https://reports.example.com/run",
                    "headers": crate::request::sensitive(),
                    "timeout": "30",
                    "expectCode": "200,201,202,204",
                },
            },
            "ephemeral": false,
            "expires_at": null,
            "starts_at": null,
        })),
        tenant: None,
        versions: Versions::current(),
    }
}
