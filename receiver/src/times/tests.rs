use proptest::prelude::*;

use super::*;

fn flat(times: &Times) -> Vec<Nanoseconds> {
    times.slices().flatten().copied().collect()
}

fn times(from: impl IntoIterator<Item = Nanoseconds>) -> Times {
    let mut times = Times::default();
    from.into_iter().for_each(|time| times.insert(time));
    times
}

#[derive(Clone, Debug)]
enum Step {
    Insert(Nanoseconds),
    /// Consecutive instants: fills chunks.
    Burst(Nanoseconds, i64),
    Pop(usize),
    Since(Nanoseconds),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..5000_i64).prop_map(Step::Insert),
        (0..5000_i64, 1..2000_i64).prop_map(|(from, count)| Step::Burst(from, count)),
        (1..1500_usize).prop_map(Step::Pop),
        (0..5000_i64).prop_map(Step::Since),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn behaves_like_a_sorted_list(steps in prop::collection::vec(step(), 1..20), asked in 0..6000_i64) {
        let (mut times, mut model) = (Times::default(), Vec::new());
        for step in steps {
            let snapshot = (times.clone(), model.clone());
            match step {
                Step::Insert(time) => {
                    times.insert(time);
                    model.push(time);
                }
                Step::Burst(from, count) => (from..from + count).for_each(|time| {
                    times.insert(time);
                    model.push(time);
                }),
                Step::Pop(count) => {
                    for _ in 0..count.min(model.len()) {
                        prop_assert_eq!(times.pop_first(), Some(model.remove(0)));
                    }
                }
                Step::Since(since) => {
                    times = times.since(since);
                    model.retain(|&time| time >= since);
                }
            }
            model.sort_unstable();
            prop_assert_eq!(flat(&times), model.clone());
            prop_assert_eq!(times.len(), model.len());
            prop_assert_eq!(times.first(), model.first().copied());
            prop_assert_eq!(times.last(), model.last().copied());
            prop_assert_eq!(flat(&snapshot.0), snapshot.1, "a snapshot does not change");
        }
        let from_asked = model.iter().filter(|&&time| time >= asked).count();
        prop_assert!(times.reach(from_asked, asked));
        prop_assert!(!times.reach(from_asked + 1, asked));
    }
}

#[test]
fn pop_slice_hands_out_everything_once() {
    let mut all = times(0..2000);
    (0..100).for_each(|_| _ = all.pop_first());
    let slices = std::iter::from_fn(|| all.pop_slice()).collect::<Vec<_>>();
    assert_eq!(slices.concat(), (100..2000).collect::<Vec<_>>());
    assert_eq!(all.len(), 0);
}

#[test]
fn a_clock_that_was_set_back_leaves_chunks_small() {
    let later = 10_000..20_000;
    let all = times(later.chain(0..10_000));
    assert_eq!(flat(&all), (0..20_000).collect::<Vec<_>>());
    assert!(all.slices().all(|slice| slice.len() <= 2 * CHUNK));
}

#[test]
fn memory_is_little_more_than_the_times() {
    let allocated = |times: &Times| times.chunks.iter().map(|chunk| chunk.capacity()).sum::<usize>();
    let mut all = times(0..100_000);
    assert!(allocated(&all) < 100_000 * 9 / 8, "{} for 100,000", allocated(&all));
    (0..99_000).for_each(|_| _ = all.pop_first());
    assert!(allocated(&all) <= 1000 + 2 * CHUNK, "{} for 1,000", allocated(&all));
}

#[test]
fn instants_convert_both_ways() {
    let text = "2026-01-31T12:00:00.123456789Z";
    let instant: Timestamp = text.parse().unwrap();
    assert_eq!(timestamp(nanoseconds(instant)), instant);
    assert_eq!(nanoseconds(Timestamp::MAX), Nanoseconds::MAX);
    assert_eq!(nanoseconds(Timestamp::MIN), Nanoseconds::MIN);
    assert!(timestamp(Nanoseconds::MIN) < timestamp(Nanoseconds::MAX));
}
