//! The times of one token's calls: 8 bytes each, in order, and cheap to hand out.
//!
//! They lie in chunks behind `Arc`. A clone is a snapshot that copies references only, so a reader of millions of
//! times holds the lock for as long as it takes to count the chunks; the next write copies one chunk at most.

use std::collections::VecDeque;
use std::sync::Arc;

use jiff::Timestamp;

/// An instant as nanoseconds since 1970 began in UTC; good until the year 2262.
pub(crate) type Nanoseconds = i64;

/// Times in a chunk: 4 KiB, small enough to copy, large enough that references to chunks are few.
const CHUNK: usize = 512;

/// The present.
pub(crate) fn now() -> Nanoseconds {
    nanoseconds(Timestamp::now())
}

/// An instant outside of the representable years is moved to their edge, which keeps comparisons right.
pub(crate) fn nanoseconds(timestamp: Timestamp) -> Nanoseconds {
    let wide = timestamp.as_nanosecond();
    Nanoseconds::try_from(wide).unwrap_or(if wide < 0 { Nanoseconds::MIN } else { Nanoseconds::MAX })
}

/// The inverse of [`nanoseconds`].
#[expect(clippy::expect_used, reason = "the years 1677 to 2262 lie within those of Timestamp")]
pub(crate) fn timestamp(time: Nanoseconds) -> Timestamp {
    Timestamp::from_nanosecond(time.into()).expect("every i64 of nanoseconds is a Timestamp")
}

/// A sorted list of instants; a clone is a cheap snapshot.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    /// In order within and across chunks; none is empty.
    chunks: VecDeque<Arc<Vec<Nanoseconds>>>,
    /// How many at the start of the first chunk are gone already; less than its length.
    skip: usize,
    len: usize,
}

impl Times {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn first(&self) -> Option<Nanoseconds> {
        self.chunks.front()?.get(self.skip).copied()
    }

    pub(crate) fn last(&self) -> Option<Nanoseconds> {
        self.chunks.back()?.last().copied()
    }

    /// Whether at least `count` of them lie at or after `since`.
    pub(crate) fn reach(&self, count: usize, since: Nanoseconds) -> bool {
        count == 0 || self.nth_last(count - 1).is_some_and(|time| time >= since)
    }

    /// The last one, counting from 0, then the one before it…
    fn nth_last(&self, mut n: usize) -> Option<Nanoseconds> {
        if n >= self.len {
            return None;
        }
        for chunk in self.chunks.iter().rev() {
            if let Some(from_start) = chunk.len().checked_sub(n + 1) {
                return chunk.get(from_start).copied();
            }
            n -= chunk.len();
        }
        None
    }

    /// Adds an instant at its place: calls that arrive at once may take the lock in another order.
    pub(crate) fn insert(&mut self, time: Nanoseconds) {
        self.len += 1;
        match self.chunks.back_mut() {
            Some(last) if last.last() > Some(&time) => self.insert_late(time),
            Some(last) if last.len() < CHUNK => push_at(Arc::make_mut(last), usize::MAX, time),
            _ => self.chunks.push_back(Arc::new(vec![time])),
        }
    }

    fn insert_late(&mut self, time: Nanoseconds) {
        let index = self.chunks.partition_point(|chunk| chunk.last() <= Some(&time));
        let gone = if index == 0 { self.skip } else { 0 };
        let chunk = Arc::make_mut(&mut self.chunks[index]);
        let place = gone + chunk[gone..].partition_point(|&earlier| earlier <= time);
        push_at(chunk, place, time);
        // Only a clock that was set back brings so many.
        if chunk.len() >= gone + 2 * CHUNK {
            let tail = chunk.split_off(gone + CHUNK);
            self.chunks.insert(index + 1, Arc::new(tail));
        }
    }

    /// Takes the oldest away.
    pub(crate) fn pop_first(&mut self) -> Option<Nanoseconds> {
        let first = self.first()?;
        self.len -= 1;
        self.skip += 1;
        self.reclaim();
        Some(first)
    }

    /// The times at or after `since`.
    pub(crate) fn since(mut self, since: Nanoseconds) -> Self {
        while let Some(chunk) = self.chunks.front() {
            let before = self.skip + chunk[self.skip..].partition_point(|&time| time < since);
            self.len -= before - self.skip;
            self.skip = before;
            if before < chunk.len() {
                break;
            }
            self.chunks.pop_front();
            self.skip = 0;
        }
        self
    }

    /// Gives memory back once half of the first chunk is gone; doing it at each step would move all others each time.
    fn reclaim(&mut self) {
        let Some(chunk) = self.chunks.front_mut() else { return };
        if self.skip == chunk.len() {
            self.chunks.pop_front();
            self.skip = 0;
        } else if self.skip * 2 >= chunk.len() {
            *chunk = Arc::new(chunk[self.skip..].to_vec());
            self.skip = 0;
        }
    }

    /// All of them in order, a slice per chunk.
    pub(crate) fn slices(&self) -> impl Iterator<Item = &[Nanoseconds]> {
        let skips = std::iter::once(self.skip).chain(std::iter::repeat(0));
        self.chunks.iter().zip(skips).map(|(chunk, skip)| &chunk[skip..])
    }

    /// The first chunk of them, taken away; `None` when none is left.
    pub(crate) fn pop_slice(&mut self) -> Option<Vec<Nanoseconds>> {
        let chunk = self.chunks.pop_front()?;
        let slice = chunk[self.skip..].to_vec();
        self.skip = 0;
        self.len -= slice.len();
        Some(slice)
    }
}

/// Inserts at `place` or at the end. Grows by an eighth instead of doubling: slack would be most of a small token.
fn push_at(chunk: &mut Vec<Nanoseconds>, place: usize, time: Nanoseconds) {
    if chunk.len() == chunk.capacity() {
        chunk.reserve_exact(4 + chunk.len() / 8);
    }
    chunk.insert(place.min(chunk.len()), time);
}

#[cfg(test)]
mod tests;
