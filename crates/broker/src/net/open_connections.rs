//! How many connections may be open.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts the open connections of a broker, on all of its listeners together.
pub(crate) struct OpenConnections {
    /// `max.connections`.
    max: usize,
    /// `max.connections.per.ip`.
    per_ip_max: usize,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    total: usize,
    by_ip: HashMap<IpAddr, usize>,
}

/// One open connection.
pub(crate) struct OpenGuard {
    all: Arc<OpenConnections>,
    ip: IpAddr,
}

impl OpenConnections {
    pub(crate) fn new(max: usize, per_ip_max: usize) -> OpenConnections {
        OpenConnections {
            max,
            per_ip_max,
            open: Mutex::default(),
        }
    }

    /// Takes a connection in, or refuses it. A protected listener is not bound by the limit of
    /// the broker: clients that use it up must not keep the other brokers out.
    pub(crate) fn admit(self: &Arc<Self>, ip: IpAddr, is_protected: bool) -> Option<OpenGuard> {
        let mut open = self.open();
        let of_ip = open.by_ip.get(&ip).copied().unwrap_or(0);
        if of_ip >= self.per_ip_max || (open.total >= self.max && !is_protected) {
            return None;
        }
        open.total += 1;
        open.by_ip.insert(ip, of_ip + 1);
        Some(OpenGuard {
            all: Arc::clone(self),
            ip,
        })
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OpenGuard {
    fn drop(&mut self) {
        let mut open = self.all.open();
        open.total -= 1;
        if let Some(count) = open.by_ip.get_mut(&self.ip) {
            *count -= 1;
            if *count == 0 {
                open.by_ip.remove(&self.ip);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        [127, 0, 0, last].into()
    }

    #[test]
    fn one_address_takes_only_its_part() {
        let open = Arc::new(OpenConnections::new(10, 1));
        let first = open.admit(ip(1), false);
        assert!(first.is_some());
        assert!(open.admit(ip(1), false).is_none());
        assert!(open.admit(ip(1), true).is_none());
        assert!(open.admit(ip(2), false).is_some());
        drop(first);
        assert!(open.admit(ip(1), false).is_some());
        assert_eq!(open.open().total, 0);
        assert!(open.open().by_ip.is_empty());
    }

    #[test]
    fn clients_at_the_limit_leave_room_for_brokers() {
        let open = Arc::new(OpenConnections::new(2, usize::MAX));
        let clients = [open.admit(ip(1), false), open.admit(ip(2), false)];
        assert!(open.admit(ip(3), false).is_none());
        let broker = open.admit(ip(3), true);
        assert!(broker.is_some());
        // It counts like any other.
        drop(clients);
        let client = open.admit(ip(1), false);
        assert!(client.is_some() && open.admit(ip(2), false).is_none());
    }
}
