//! The configuration that is measured: jobs, and as much text without a provider.

/// Terraform's own work for one resource grows with the square of its instances, so jobs come in resources of so many,
/// as they do in modules.
const INSTANCES: usize = 100;

/// What a job of the benchmark says about itself, but for where it is.
const JOB: &str = r#"
    name     = "job-BLOCK-${count.index}"
    schedule = "0 0 4 1 1 *"
    owner    = "bench"
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
    let provider = format!(
        "terraform {{\n  required_providers {{\n    krony = {{ source = \"krony-cloud/krony\" }}\n  }}\n}}\n\n\
         provider \"krony\" {{\n  endpoint = \"{endpoint}\"\n}}\n"
    );
    provider + &resources("krony_job", count, JOB)
}

/// So many objects of Terraform itself with as much text.
pub(super) fn terraform_data(count: usize) -> String {
    resources("terraform_data", count, &format!("\n  input = {{{JOB}  }}\n"))
}

/// Resources with so many instances together.
fn resources(type_name: &str, count: usize, body: &str) -> String {
    let blocks = (0..count).step_by(INSTANCES).enumerate();
    let resource = |(block, first): (usize, usize)| {
        let instances = INSTANCES.min(count - first);
        let body = body.replace("BLOCK", &block.to_string());
        format!("\nresource \"{type_name}\" \"block_{block}\" {{\n  count = {instances}\n{body}}}\n")
    };
    blocks.map(resource).collect()
}
