//! The configuration that is measured: jobs, and as much text without a provider.

/// What a job of the benchmark says about itself, but for where it is.
const JOB: &str = r#"
    name     = "job-${count.index}"
    schedule = "0 0 4 1 1 *"
    owner    = "bench"
    owner_email = "bench@example.com"
    tags     = { server = "true:1" }
    metadata = { team = "bench" }
    http = {
      method  = "POST"
      url     = "http://127.0.0.1:9/${count.index}"
      headers = { Accept = "text/plain" }
      timeout = "10s"
    }
"#;

/// So many jobs in the dkron at `endpoint`.
pub(super) fn krony_jobs(count: usize, endpoint: &str) -> String {
    hooked_jobs(count, endpoint, "")
}

/// So many jobs, with more in the provider block.
pub(super) fn hooked_jobs(count: usize, endpoint: &str, settings: &str) -> String {
    format!(
        "terraform {{\n  required_providers {{\n    krony = {{ source = \"krony-cloud/krony\" }}\n  }}\n}}\n\n\
         provider \"krony\" {{\n  endpoint = \"{endpoint}\"\n{settings}}}\n\n\
         resource \"krony_job\" \"this\" {{\n  count = {count}\n{JOB}}}\n"
    )
}

/// So many objects of Terraform itself with as much text.
pub(super) fn terraform_data(count: usize) -> String {
    format!("resource \"terraform_data\" \"this\" {{\n  count = {count}\n  input = {{{JOB}  }}\n}}\n")
}
