//! Faults between the provider and dkron, one by one and for each operation: either the user notices nothing, or the
//! error says what it is, state holds what dkron has, and the next apply without the fault converges.

mod batch;
mod endpoint;
mod table;

use std::thread;

use xtask::dkron::Node;

use self::batch::Batch;
use self::table::{COLUMNS, OPERATIONS, ROWS};

/// Cells of one operation share a root, and the operations go on side by side.
#[test]
fn every_fault_ends_as_the_table_says() {
    let node = Node::start().unwrap();
    let complaints: Vec<_> = thread::scope(|scope| {
        let node = &node;
        let batches = OPERATIONS.map(|operation| {
            [false, true].map(|runs| scope.spawn(move || Batch::new(operation, runs, node).complaints()))
        });
        batches.into_iter().flatten().flat_map(|batch| batch.join().unwrap()).collect()
    });
    let wrong = |fault, column| complaints.iter().any(|(cell, _)| *cell == (fault, column));
    eprint!("{:44}", "");
    COLUMNS.iter().for_each(|column| eprint!(" {:16}", column.title()));
    for row in ROWS {
        eprint!("\n{:44}", row.fault);
        for (column, end) in COLUMNS.into_iter().zip(row.ends) {
            let mark = if wrong(row.fault, column) { "WRONG" } else { end.title() };
            eprint!(" {mark:16}");
        }
    }
    eprintln!();
    let texts: Vec<_> = complaints
        .iter()
        .map(|((fault, column), complaint)| format!("{fault} × {}: {complaint}", column.title()))
        .collect();
    assert!(texts.is_empty(), "{} cells are wrong:\n{}", texts.len(), texts.join("\n"));
}
