//! Free loopback ports for servers that must be told theirs.
//!
//! A port is taken from below the range from which the kernel serves outgoing connections, and a lock
//! on a file named after it keeps every other process that asks here away from it for as long as
//! the lease lives: a server can be restarted on its port while other tests run.

use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context as _, Result, bail};

use crate::cache::{self, Cache};

const FIRST: u32 = 20_000;
const COUNT: u32 = 12_000;

/// A port on 127.0.0.1 that nobody else asking here gets.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Finds a port that is free for both TCP and UDP.
    ///
    /// # Errors
    /// When the cache folder cannot be written, or no port is free.
    pub fn lease() -> Result<Self> {
        let folder = Cache::of_user()?.root().join("ports");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // Processes begin at different places, so that they seldom try for the same port.
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let start = process::id().wrapping_mul(7919);
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = (FIRST + start.wrapping_add(step) % COUNT) as u16;
            let path = folder.join(number.to_string());
            let lock = File::create(&path).with_context(|| format!("cannot create {}", path.display()))?;
            let locked = cache::try_lock(&lock).with_context(|| format!("cannot lock {}", path.display()))?;
            if locked && is_free(number) {
                return Ok(Self { number, _lock: lock });
            }
        }
        bail!("no free port between {FIRST} and {}", FIRST + COUNT - 1)
    }

    /// The port's number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        format!("{}:{}", Ipv4Addr::LOCALHOST, self.number)
    }
}

fn is_free(port: u16) -> bool {
    let address = (Ipv4Addr::LOCALHOST, port);
    TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_differ_and_can_be_bound() {
        let ports: Vec<Port> = (0..20).map(|_| Port::lease().unwrap()).collect();
        let mut numbers: Vec<u16> = ports.iter().map(Port::number).collect();
        numbers.sort_unstable();
        numbers.dedup();
        assert_eq!(numbers.len(), 20);
        TcpListener::bind(ports[0].address()).unwrap();
    }

    #[test]
    fn a_port_in_use_is_not_free() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(taken.local_addr().unwrap().port()));
    }
}
