//! Names for resources and variables.

use std::collections::BTreeSet;

/// Labels that are given away, each once.
#[derive(Default)]
pub(super) struct Labels(BTreeSet<String>);

impl Labels {
    /// The label for `name`; a number is added to one that is taken.
    pub(super) fn of(&mut self, name: &str) -> String {
        let wanted = label(name);
        let numbered = (2_u32..).map(|number| format!("{wanted}_{number}"));
        let free = std::iter::once(wanted.clone()).chain(numbered).find(|label| !self.0.contains(label));
        let free = free.unwrap_or(wanted);
        self.0.insert(free.clone());
        free
    }
}

/// The name of a job as Terraform's users write labels: with `_`, and not beginning with a digit. Two names may have the
/// same label.
pub fn label(name: &str) -> String {
    let label = name.replace('-', "_");
    if label.starts_with(|first: char| first.is_numeric()) { format!("_{label}") } else { label }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_names_to_terraform() {
        for (name, expected) in
            [("a-b", "a_b"), ("0-x", "_0_x"), ("-x", "_x"), ("größe", "größe"), ("a--b", "a__b")]
        {
            assert_eq!(label(name), expected);
        }
    }

    #[test]
    fn no_label_is_given_twice() {
        let mut labels = Labels::default();
        let given: Vec<_> = ["a-b", "a_b", "a_b_2", "a-b", "a_b_2"].map(|name| labels.of(name)).into();
        assert_eq!(given, ["a_b", "a_b_2", "a_b_2_2", "a_b_3", "a_b_2_3"]);
    }
}
