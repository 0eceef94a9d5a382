use super::*;

fn execution(node: &str, attempt: u32, ended: Option<bool>, output: &str) -> Execution {
    let now = jiff::Timestamp::UNIX_EPOCH;
    Execution {
        id: format!("{attempt}-{node}"),
        group: 1,
        node: node.to_owned(),
        attempt,
        started_at: Some(now),
        finished_at: ended.map(|_| now),
        success: ended == Some(true),
        output: output.to_owned(),
        output_truncated: false,
    }
}

fn run(executions: Vec<Execution>) -> Run {
    Run { executions, job_deleted: false }
}

#[test]
fn a_run_on_several_nodes_is_described_by_their_last_attempts() {
    let run = run(vec![
        execution("n2", 2, None, ""),
        execution("n2", 1, Some(false), ""),
        execution("n1", 1, Some(true), ""),
        execution("n3", 3, Some(false), ""),
    ]);
    assert_eq!(
        describe(&run),
        r#"on node "n1", succeeded; on node "n2", attempt 2; on node "n3", attempt 3, failed"#
    );
}

#[test]
fn only_the_nodes_that_failed_are_told() {
    let run = run(vec![
        execution("n1", 1, Some(true), "fine"),
        execution("n2", 2, Some(false), "exit status 1\nno\n"),
        execution("n3", 1, Some(false), " \n"),
    ]);
    assert_eq!(
        failure(&run),
        "It failed 2 times on node \"n2\", and printed at last:\n\nexit status 1\nno\n\n\
         It failed on node \"n3\" and printed nothing."
    );
}

#[test]
fn of_much_output_the_end_is_shown() {
    let lines: Vec<_> = (1..=30).map(|line| line.to_string()).collect();
    let mut execution = execution("n1", 1, Some(false), &format!("exit status 1\n{}", lines.join("\n")));
    let end = lines[10..].join("\n");
    assert_eq!(end_of(&execution), format!("exit status 1\n…\n{end}"));
    // Where the beginning is missing, the first line is not what dkron said.
    execution.output_truncated = true;
    assert_eq!(end_of(&execution), format!("…\n{end}"));
}
