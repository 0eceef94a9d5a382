//! Functions: pure, and called without a configured provider.

mod full_name;
mod schedule;

pub use self::full_name::{FullName, ParseFullName};
pub use self::schedule::{ScheduleDescribe, ScheduleNext};
