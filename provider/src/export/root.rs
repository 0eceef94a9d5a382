//! What of a cluster's jobs becomes which block.

use std::{collections::BTreeMap, path::Path};

use tfplugin::{
    model::{Model, Strictness, TfType as _},
    path,
    plan::written,
    resource::Resource as _,
    schema::{Attribute, Field, Nesting, Schema},
    value::Value,
};

use super::{
    hcl::{self, Expression, Item},
    labels::Labels,
};
use crate::{
    full_name::RESERVED_PREFIX,
    job::{self, Job, JobResource},
    provider::ADDRESS,
};

/// A root module that imports jobs.
#[derive(Default)]
pub(super) struct Root {
    resources: Vec<Resource>,
    variables: Vec<Variable>,
    left_out: Vec<LeftOut>,
}

/// A job that becomes a resource.
struct Resource {
    label: String,
    full_name: String,
    items: Vec<Item>,
}

/// A secret of a job.
struct Variable {
    name: String,
    description: String,
    ty: String,
    value: Value,
}

/// A job that krony cannot manage as it is.
struct LeftOut {
    full_name: String,
    reason: String,
}

/// A job as configuration.
struct Exported {
    label: String,
    full_name: String,
    config: Value,
}

impl Root {
    /// The jobs, of this tenant if one is named; what is krony's own is left alone.
    pub(super) fn new(jobs: &[dkron::Job], tenant: Option<&str>) -> Self {
        let found: BTreeMap<&str, &dkron::Job> = jobs.iter().map(|job| (job.name.as_str(), job)).collect();
        let mut root = Self::default();
        let schema = Job::schema(0);
        let mut labels = Labels::default();
        let mut exported = Vec::new();
        for (full_name, job) in found.iter().filter(|(name, _)| !name.starts_with(RESERVED_PREFIX)) {
            let job = job::imported(job);
            if tenant.is_some_and(|tenant| job.tenant.known().is_none_or(|of| **of != *tenant)) {
                continue;
            }
            let config = if comes_after_itself(full_name, &found) {
                Err("It comes after itself: its parents lead back to it, so that none of them runs."
                    .to_owned())
            } else {
                configuration(&schema, job)
            };
            let full_name = (*full_name).to_owned();
            match config {
                Ok(config) => exported.push(Exported { label: labels.of(&full_name), full_name, config }),
                Err(reason) => root.left_out.push(LeftOut { full_name, reason }),
            }
        }
        root.add_resources(&schema, exported);
        root
    }

    fn add_resources(&mut self, schema: &Schema, jobs: Vec<Exported>) {
        // Two jobs of one tenant have different names, so this finds a parent of the same tenant.
        let parents: BTreeMap<(String, String), String> = jobs
            .iter()
            .map(|job| ((text(&job.config, "tenant"), text(&job.config, "name")), job.label.clone()))
            .collect();
        for job in jobs {
            let parent = (text(&job.config, "tenant"), text(&job.config, "parent_job"));
            let mut writer =
                Writer { job: &job, parent: parents.get(&parent), variables: &mut self.variables };
            let items = writer.items(&schema.fields, &job.config, &[]);
            self.resources.push(Resource { label: job.label, full_name: job.full_name, items });
        }
    }

    /// The files by their names.
    pub(super) fn files(&self) -> Vec<(&'static str, String)> {
        vec![
            ("versions.tf", versions()),
            ("variables.tf", join(self.variables.iter().map(Variable::block))),
            (
                "jobs.tf",
                join(
                    self.left_out
                        .iter()
                        .map(LeftOut::comment)
                        .chain(self.resources.iter().map(Resource::block)),
                ),
            ),
            ("imports.tf", join(self.resources.iter().map(Resource::import))),
        ]
    }

    /// All in one text.
    pub(super) fn text(&self) -> String {
        join(self.files().into_iter().map(|(_, text)| text).filter(|text| !text.is_empty()))
    }

    /// The values of the variables, as a `.tfvars` file holds them.
    pub(super) fn secrets(&self) -> String {
        let items = self
            .variables
            .iter()
            .map(|variable| Item::new(&variable.name, Expression::literal(&variable.value)));
        hcl::body(&items.collect::<Vec<_>>())
    }

    /// What a person should know about the export, with the file of the secrets if there is one.
    pub(super) fn summary(&self, secrets: Option<&Path>) -> String {
        let count =
            |count: usize, thing: &str| format!("{count} {thing}{}", if count == 1 { "" } else { "s" });
        let mut lines = vec![format!("{} exported.", count(self.resources.len(), "job"))];
        if !self.variables.is_empty() {
            let secret = count(self.variables.len(), "variable");
            lines.push(match secrets {
                Some(path) => format!("{secret} for secrets; their values are in {}.", path.display()),
                None => {
                    format!("{secret} for secrets, without values: set them, or export with --secrets FILE.")
                }
            });
        }
        for LeftOut { full_name, reason } in &self.left_out {
            lines.push(format!("Warning: job {full_name:?} is left out. {reason}"));
        }
        lines.join("\n")
    }
}

fn text(config: &Value, name: &str) -> String {
    config.get(name).as_str().unwrap_or_default().to_owned()
}

fn join(blocks: impl Iterator<Item = String>) -> String {
    blocks.collect::<Vec<_>>().join("\n")
}

/// Whether the parents of a job lead back to it, which dkron allows.
fn comes_after_itself(name: &str, jobs: &BTreeMap<&str, &dkron::Job>) -> bool {
    let parent = |name: &&str| jobs.get(name).map(|job| job.parent_job.as_str());
    let mut ancestors = std::iter::successors(parent(&name), parent).take(jobs.len());
    ancestors.any(|ancestor| ancestor == name)
}

/// What to write for a job, if that leads to the job again.
fn configuration(schema: &Schema, job: Job) -> Result<Value, String> {
    let name = job.full_name.known().cloned().unwrap_or_default();
    if Value::string(name.as_str()).as_str() != Some(&name) {
        return Err("Terraform changes the spelling of its name (Unicode's normal form C).".to_owned());
    }
    let config = written(schema, JobResource::default().generated_config(job).encode());
    let decoded = Job::decode(&config, &path::Path::root(), Strictness::Configuration);
    let checked = decoded.and_then(|job| job::check(&job).into_result());
    checked.map(|()| config).map_err(|findings| {
        let reasons = findings
            .iter()
            .map(|finding| format!("{} at {}: {}", finding.summary, finding.path, finding.detail));
        reasons.collect::<Vec<_>>().join(" ")
    })
}

/// Writes the arguments of one job.
struct Writer<'a> {
    job: &'a Exported,
    parent: Option<&'a String>,
    variables: &'a mut Vec<Variable>,
}

impl Writer<'_> {
    fn items(&mut self, fields: &[Field], object: &Value, above: &[&str]) -> Vec<Item> {
        let mut items = Vec::new();
        for field in fields {
            let value = object.get(field.name());
            if !value.is_null() {
                let path = [above, &[field.name()]].concat();
                items.push(Item::new(field.name(), self.expression(field, value, &path)));
            }
        }
        items
    }

    fn expression(&mut self, field: &Field, value: &Value, path: &[&str]) -> Expression {
        match (field, field.nested(), self.parent) {
            (Field::Attribute(attribute), ..) if attribute.sensitive => self.variable(attribute, value, path),
            (_, Some((Nesting::Single, fields)), _) => Expression::Object(self.items(fields, value, path)),
            (_, _, Some(label)) if *path == ["parent_job"] => {
                Expression::Line(format!("krony_job.{label}.name"))
            }
            _ => Expression::literal(value),
        }
    }

    fn variable(&mut self, attribute: &Attribute, value: &Value, path: &[&str]) -> Expression {
        let name = format!("{}_{}", self.job.label, path.join("_"));
        let reference = Expression::Line(format!("var.{name}"));
        let description = format!("The secret {} of job {}", path.join("."), self.job.full_name);
        let ty = hcl::type_constraint(&attribute.kind.value_type());
        self.variables.push(Variable { name, description, ty, value: value.clone() });
        reference
    }
}

impl Resource {
    fn block(&self) -> String {
        hcl::block("resource", &["krony_job", &self.label], &self.items)
    }

    fn import(&self) -> String {
        let to = Expression::Line(format!("krony_job.{}", self.label));
        hcl::block("import", &[], &[Item::new("to", to), Item::new("id", Expression::text(&self.full_name))])
    }
}

impl Variable {
    fn block(&self) -> String {
        let items = [
            Item::new("description", Expression::text(&self.description)),
            Item::new("type", Expression::Line(self.ty.clone())),
            Item::new("sensitive", Expression::literal(&Value::Bool(true))),
        ];
        hcl::block("variable", &[&self.name], &items)
    }
}

impl LeftOut {
    fn comment(&self) -> String {
        format!("# Job {:?} is left out. {}\n", self.full_name, self.reason.replace(['\n', '\r'], " "))
    }
}

/// Import blocks need Terraform 1.5.
fn versions() -> String {
    let source = ADDRESS.trim_start_matches("registry.terraform.io/");
    format!(
        "terraform {{\n  required_version = \">= 1.5.0\"\n\n  required_providers {{\n    krony = {{\n      source = \
         \"{source}\"\n    }}\n  }}\n}}\n"
    )
}

#[cfg(test)]
mod tests;
