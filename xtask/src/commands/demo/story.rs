//! How the demo is told: numbered steps, quotations from the programs, calls as they come.

use console::{strip_ansi_codes, style};

/// The steps told so far.
#[derive(Default)]
pub(super) struct Story {
    step: usize,
}

impl Story {
    /// Begins the next step.
    pub(super) fn step(&mut self, title: &str) {
        self.step += 1;
        println!("\n{} {}", style(format!("{}.", self.step)).cyan().bold(), style(title).bold());
    }

    /// A line of our own within a step.
    pub(super) fn say(&self, line: &str) {
        println!("   {line}");
    }

    /// Lines of a program's output.
    pub(super) fn quote(&self, lines: &[String]) {
        for line in lines {
            println!("   {} {line}", style("│").dim());
        }
    }

    /// A call that the receiver heard.
    pub(super) fn call(&self, time: &str, token: &str) {
        // The time of day with milliseconds out of RFC 3339.
        let time = time.get(11..23).unwrap_or(time);
        println!("   {} {} {}", style(time).dim(), style("→").green(), style(token).bold());
    }

    /// The last line.
    pub(super) fn summary(&self, text: &str) {
        println!("\n{} {text}", style("✓").green().bold());
    }
}

/// What happened to which resource, out of the output of `terraform apply` or `destroy`.
pub(super) fn events(output: &str) -> Vec<String> {
    let interesting = |line: &&str| {
        (line.starts_with("krony_job.") && line.contains(" complete after "))
            || line.starts_with("Apply complete!")
            || line.starts_with("Destroy complete!")
    };
    output.lines().filter(interesting).map(str::to_owned).collect()
}

/// The changes out of the output of `terraform plan`, coloured as Terraform does.
pub(super) fn changes(output: &str) -> Vec<String> {
    let plain = strip_ansi_codes(output);
    let lines = plain.lines().map(str::trim_end);
    let from = lines.skip_while(|line| !line.starts_with("  # ") || !line.contains(" will be "));
    let mut changes = Vec::new();
    for line in from {
        if !line.is_empty() {
            changes.push(coloured(line));
        }
        if line.starts_with("Plan: ") {
            break;
        }
    }
    changes
}

fn coloured(line: &str) -> String {
    let line = line.strip_prefix("  ").unwrap_or(line);
    let colour = match line.trim_start().chars().next() {
        Some('+') => style(line).green(),
        Some('-') => style(line).red(),
        Some('~') => style(line).yellow(),
        _ => style(line),
    };
    colour.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_ends_of_operations() {
        let output = "Terraform used the selected providers\n\
                      krony_job.a: Creating...\n\
                      krony_job.a: Creation complete after 0s [id=a]\n\n\
                      Apply complete! Resources: 1 added, 0 changed, 0 destroyed.\n\
                      Outputs:\n";
        assert_eq!(
            events(output),
            [
                "krony_job.a: Creation complete after 0s [id=a]",
                "Apply complete! Resources: 1 added, 0 changed, 0 destroyed."
            ]
        );
    }

    #[test]
    fn changes_go_from_the_first_resource_to_the_sum() {
        let output = "krony_job.a: Refreshing state...\n\nTerraform will perform the following actions:\n\n  \
                      # krony_job.a will be updated in-place\n  ~ resource \"krony_job\" \"a\" {\n      \
                      ~ owner = \"x\" -> \"y\"\n    }\n\nPlan: 0 to add, 1 to change, 0 to destroy.\n\nNote\n";
        let lines: Vec<String> =
            changes(output).iter().map(|line| strip_ansi_codes(line).into_owned()).collect();
        assert_eq!(
            lines,
            [
                "# krony_job.a will be updated in-place",
                "~ resource \"krony_job\" \"a\" {",
                "    ~ owner = \"x\" -> \"y\"",
                "  }",
                "Plan: 0 to add, 1 to change, 0 to destroy."
            ]
        );
    }
}
