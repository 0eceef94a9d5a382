//! provider
fn main() {}
